import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { duplicityDirectory } from '../agent/support/duplicity.ts';
import { shellBlocks } from './markdown.ts';

const page = new URL('../../docs/restore-by-hand.md', import.meta.url);

/** The shell blocks of docs/restore-by-hand.md: the first says where things are, the others are the commands, in order. */
export const restorePage = async (variant?: string): Promise<{ place: string; commands: string[] }> => {
  const [place = '', ...commands] = shellBlocks(await readFile(page, 'utf8'), variant);
  return { place, commands };
};

/** Fails when the page does not ask for a setting that a test gives. */
export const expectAsked = (place: string, names: readonly string[]): void => {
  for (const name of names)
    if (!place.includes(`export ${name}=`)) throw new Error(`docs/restore-by-hand.md does not ask for ${name}`);
};

/**
 * Runs commands of the page as they stand there, with settings in place of the page's own. No code of Holdfast takes part.
 * @throws Error with everything the commands printed
 */
export const runPage = async (
  commands: readonly string[],
  settings: Readonly<Record<string, string>> & { WORK: string },
  home: string,
): Promise<string> => {
  const { all, failed } = await execa('bash', ['-euxo', 'pipefail', '-c', commands.join('\n')], {
    env: {
      ...settings,
      HOME: home,
      LANG: 'C.UTF-8',
      PATH: `${await duplicityDirectory()}:${process.env['PATH'] ?? ''}`,
    },
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    all: true,
    timeout: 240_000,
  });
  await execa('gpgconf', ['--homedir', join(settings.WORK, 'keyring'), '--kill', 'all'], { reject: false });
  if (failed) throw new Error(`docs/restore-by-hand.md does not work:\n${all}`);
  return all;
};
