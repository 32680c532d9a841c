import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

// An empty or relative value is to be ignored: XDG Base Directory Specification.
const base = (value: string | undefined, fallback: string): string =>
  value === undefined || !value.startsWith('/') ? fallback : value;

/** What can be made again and is kept because that takes long: `${XDG_CACHE_HOME:-~/.cache}/holdfast`. */
export const cacheDirectory = (environment: Environment = process.env): string =>
  join(base(environment['XDG_CACHE_HOME'], join(homedir(), '.cache')), 'holdfast');

/** What belongs to a running cluster and goes with it: `${XDG_STATE_HOME:-~/.local/state}/holdfast/cluster/<name>`. */
export const stateDirectory = (name: string, environment: Environment = process.env): string =>
  join(base(environment['XDG_STATE_HOME'], join(homedir(), '.local/state')), 'holdfast/cluster', name);

/** The repository's root. */
export const projectRoot = resolve(import.meta.dirname, '../..');
