import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunError } from '../errors/run-error.ts';

const mask = '[redacted]';

/** Below this many characters a secret is masked only where it stands alone: else common text would be torn apart, which shows it. */
const shortest = 4;

/** Where a Secret is mounted, and its name for messages. */
export interface SecretMount {
  directory: string;
  secret: string;
}

/** The secrets of a run. Every value read is remembered, so that nothing that leaves the agent can carry it. */
export interface Secrets {
  /**
   * Reads a key of a mounted Secret as it is, without trimming. `public` is for what messages may show, such as a user name.
   * @throws RunError SecretMissing (no such Secret or key: mounts are optional), SecretInvalid (empty or not UTF-8).
   */
  read(mount: SecretMount, key: string, options?: { readonly public?: boolean }): Promise<string>;
  /** Masks a further value, such as one derived from a secret. */
  remember(value: string): void;
  /** The text with every known secret masked. */
  redact(text: string): string;
}

export const createSecrets = (): Secrets => {
  const known = new Set<string>();
  const remember = (value: string): void => {
    for (const form of formsOf(value)) known.add(form);
  };
  return {
    remember,
    async read(mount, key, options) {
      const bytes = await readKey(mount, key);
      const value = decode(bytes);
      if (value === undefined || value === '')
        throw invalid(mount, key, value === '' ? 'is empty' : 'is not UTF-8 text');
      if (options?.public !== true) remember(value);
      return value;
    },
    redact: (text) => redactValues(text, known),
  };
};

/** Masks `values` in `text`, the longest first, so that a secret inside another leaves nothing behind. */
export const redactValues = (text: string, values: Iterable<string>): string =>
  [...values].toSorted((a, b) => b.length - a.length).reduce(maskOne, text);

const maskOne = (text: string, value: string): string => {
  if (value.length >= shortest) return text.replaceAll(value, mask);
  const alone = new RegExp(
    `(?<![\\p{L}\\p{N}])${value.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}(?![\\p{L}\\p{N}])`,
    'gu',
  );
  return text.replace(alone, mask);
};

// A log is written line by line, and tools quote what they print: a secret is known by its lines and its quoted forms as well.
const formsOf = (value: string): string[] => {
  const lines = value.split(/\r?\n/).filter((line) => line.length >= 8);
  return [value, value.trim(), ...lines]
    .flatMap((form) => [form, JSON.stringify(form).slice(1, -1), encodeURIComponent(form.toWellFormed())])
    .filter((form) => form.trim() !== '');
};

const readKey = async ({ directory, secret }: SecretMount, key: string): Promise<Buffer> => {
  try {
    return await readFile(join(directory, key));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new RunError('SecretMissing', `Secret ${secret} or its key "${key}" is not there.`, { cause: error });
    }
    throw new RunError('SecretInvalid', `Key "${key}" of Secret ${secret} cannot be read (${code ?? 'unknown'}).`, {
      cause: error,
    });
  }
};

const invalid = ({ secret }: SecretMount, key: string, what: string): RunError =>
  new RunError('SecretInvalid', `Key "${key}" of Secret ${secret} ${what}.`);

const decode = (bytes: Buffer): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
};
