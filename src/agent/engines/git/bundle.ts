import { createReadStream } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { gitFailure } from './reasons.ts';
import type { GitFacts } from './facts.ts';
import type { GitSession } from './session.ts';

/** Everything is in one git bundle: `git clone` takes it as it is. */
export const bundleFile = 'repository.bundle';
/** What HEAD stands for, which a bundle does not say: to be copied into the restored repository. */
export const headFile = 'HEAD';

/** Objects oldest first: what is new comes at the end, so that new commits hardly move what was there. */
const listArguments = ['rev-list', '--objects', '--in-commit-order', '--topo-order', '--reverse', '--all'];

/**
 * The pack is made anew and by one thread, so that equal repositories give equal bytes, whatever the server sent. Bases are named by their
 * ID and not by their distance, which would change whenever something came between; and nothing is compressed, since duplicity does that
 * after it has compared. In bytes of duplicity's volumes (3.2.1, `--max-blocksize=2048`), for repositories of Ansible playbooks with 3,000
 * and with 83,000 objects:
 *
 *                                      full   unchanged   +2 commits   +20 commits   local copy
 *     3,000 as here                 246,292         135       10,570        28,257      588,519
 *           compressed              330,911         136       15,857        40,845      371,155
 *           bases by distance too   316,375         134      104,041       120,775      345,167
 *           git bundle create       359,860         167      135,154       167,572      399,349
 *           without deltas          428,825         133        5,504        21,034    1,995,300
 *    83,000 as here              17,422,378         193       13,471       145,369   35,675,747
 *           compressed           19,418,144         133       16,457       195,526   20,475,410
 *           git bundle create    26,328,465         167    1,535,339     4,175,870   27,412,549
 */
const packArguments = [
  'pack-objects',
  '--quiet',
  '--threads=1',
  '--no-reuse-delta',
  '--no-reuse-object',
  '--window=10',
  '--depth=50',
  '--compression=0',
  '--stdout',
];

export interface BundleInput {
  /** The bare repository that is written. */
  readonly repository: string;
  /** Where the bundle goes. */
  readonly directory: string;
  readonly objectFormat: GitFacts['objectFormat'];
}

/** Writes every ref and all objects that they lead to into a bundle, and gives back how many objects that are. */
export const writeBundle = async (
  session: GitSession,
  { repository, directory, objectFormat }: BundleInput,
): Promise<number> => {
  const list = join(repository, 'objects-to-pack');
  await writing(list, async ({ fd }) => {
    const ended = await session.git(['-C', repository, ...listArguments], { stdout: { fd } });
    if (ended.exitCode !== 0) throw gitFailure('The objects cannot be listed', ended, 'SourceDamaged');
  });
  await writing(join(directory, bundleFile), async (bundle) => {
    await writeHeader(session, bundle, repository, objectFormat);
    const objects = await open(list, 'r');
    try {
      const stdio = { stdin: { fd: objects.fd }, stdout: { fd: bundle.fd } };
      const ended = await session.git(['-C', repository, ...packArguments], stdio);
      if (ended.exitCode !== 0) throw gitFailure('The objects cannot be packed', ended);
    } finally {
      await objects.close();
    }
  });
  const count = await countLines(list);
  await rm(list);
  return count;
};

/** The head of a bundle, see gitformat-bundle(5). Names of refs go from git into the file as they are, whatever bytes they have. */
const writeHeader = async (
  session: GitSession,
  bundle: FileHandle,
  repository: string,
  objectFormat: GitFacts['objectFormat'],
): Promise<void> => {
  await bundle.write(
    objectFormat === 'sha1' ? '# v2 git bundle\n' : `# v3 git bundle\n@object-format=${objectFormat}\n`,
  );
  const refs = ['-C', repository, 'for-each-ref', '--format=%(objectname) %(refname)'];
  const ended = await session.git(refs, { stdout: { fd: bundle.fd } });
  if (ended.exitCode !== 0) throw gitFailure('The refs cannot be listed', ended);
  const head = await session.git(['-C', repository, 'rev-parse', '--verify', '--quiet', 'HEAD'], { stdout: 'capture' });
  if (head.exitCode === 0) await bundle.write(`${head.stdout} HEAD\n`);
  await bundle.write('\n');
};

const writing = async (path: string, work: (file: FileHandle) => Promise<void>): Promise<void> => {
  const file = await open(path, 'wx', 0o640);
  try {
    await work(file);
  } finally {
    await file.close();
  }
};

const newline = 10;

const countLines = async (path: string): Promise<number> => {
  let count = 0;
  for await (const part of createReadStream(path)) {
    for (const byte of part as Buffer) if (byte === newline) count += 1;
  }
  return count;
};
