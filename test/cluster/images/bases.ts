import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { ClusterError } from '../error.ts';
import type { Progress } from '../progress.ts';
import { runBuild } from './run-build.ts';
import { imageId, type Store } from './store.ts';

/** How long a pull may take, in milliseconds. */
const PULL_TIMEOUT_MS = 10 * 60_000;

const DEBIAN = 'debian:bookworm-slim';

/** The npm that Node 24's image has. */
const NPM = 'npm@11.6.2';

/** What stands in for a base image that cannot be pulled: undefined when there is nothing. */
export const standInFor = (image: string): 'debian' | 'node' | undefined => {
  const name = image.replace(/^docker\.io\//, '').replace(/^library\//, '');
  if (name === DEBIAN) return 'debian';
  return /^node:24(\.\d+)*-bookworm-slim$/.test(name) ? 'node' : undefined;
};

/** The name under which `FROM image` finds a public image in buildah's storage. */
export const qualified = (image: string): string => {
  const [first = '', ...rest] = image.split('/');
  if (rest.length === 0) return `docker.io/library/${image}`;
  return /[.:]|^localhost$/.test(first) ? image : `docker.io/${image}`;
};

/**
 * Brings a base image to this machine and gives its id. A Docker engine pulls by itself while it builds. For buildah the image is pulled or,
 * where its registry cannot be reached, made from Debian's and npm's packages under the same name.
 *
 * @throws ClusterError when it can neither be pulled nor made
 */
export const ensureBase = async (store: Store, image: string, progress: Progress): Promise<string> => {
  const present = await imageId(image, store);
  if (present !== undefined) return present;
  if (store === 'docker') return image;

  const name = qualified(image);
  const refusal = await pull(name, progress);
  if (refusal !== undefined) {
    const kind = standInFor(image);
    if (kind === undefined) {
      throw new ClusterError(
        `The base image ${image} cannot be pulled, and there is no stand-in for it: ${refusal}`,
        `Let this machine reach the image's registry, or build on ${DEBIAN} or node:24-bookworm-slim.`,
      );
    }
    progress.say(`  ${name} cannot be pulled from here: a stand-in is made from packages`);
    await makeStandIn(kind, name, progress);
  }
  const id = await imageId(name, store);
  if (id === undefined)
    throw new ClusterError(`Image ${name} is not there after it was made.`, 'Look at: buildah images');
  return id;
};

/** Pulls an image; gives the reason when that does not work. */
const pull = async (name: string, progress: Progress): Promise<string | undefined> => {
  progress.say(`  Pulling ${name}`);
  const args = ['pull', '--quiet', name];
  const result = await execa('buildah', args, { reject: false, timeout: PULL_TIMEOUT_MS, stdin: 'ignore' });
  return result.failed ? result.stderr.trim() || result.shortMessage : undefined;
};

const makeStandIn = async (kind: 'debian' | 'node', name: string, progress: Progress): Promise<void> => {
  if (kind === 'node') await ensureBase('buildah', DEBIAN, progress);
  const context = await mkdtemp(join(tmpdir(), 'holdfast-base-'));
  try {
    await progress.task(`Making a stand-in for ${name}`, async (detail) => {
      const dockerfile = join(context, 'Dockerfile');
      await writeFile(
        dockerfile,
        kind === 'debian' ? await prepareDebian(context, detail) : await prepareNode(context),
      );
      await runBuild('buildah', { name, context, dockerfile, labels: { 'dev.holdfast.stand-in': 'true' } }, detail);
    });
  } finally {
    await rm(context, { recursive: true, force: true });
  }
};

/** What the slim images leave out. */
const LEFT_OUT = ['doc', 'info', 'lintian', 'locale', 'man'];

const prepareDebian = async (context: string, detail: (text: string) => void): Promise<string> => {
  const options = LEFT_OUT.map((part) => `--dpkgopt=path-exclude=/usr/share/${part}/*`);
  const args = ['--variant=minbase', ...options, 'bookworm', join(context, 'root.tar')];
  const run = execa('mmdebstrap', args, { stdin: 'ignore', reject: false });
  for await (const line of run.iterable({ from: 'stderr' })) if (line.startsWith('I: ')) detail(line.slice(3, 80));
  const result = await run;
  if (result.failed) {
    throw new ClusterError(
      `mmdebstrap failed:\n${result.stderr.split('\n').slice(-8).join('\n')}`,
      'See that http://deb.debian.org/debian can be reached, or a mirror that /etc/apt names.',
    );
  }
  return ['FROM scratch', 'ADD root.tar /', 'CMD ["bash"]', ''].join('\n');
};

const prepareNode = async (context: string): Promise<string> => {
  if (!process.version.startsWith('v24.')) {
    throw new ClusterError(
      `Node 24 is needed for its image; this is ${process.version}.`,
      'Use the npm scripts: they run Node 24.',
    );
  }
  await copyFile(process.execPath, join(context, 'node'));
  await execa('npm', ['pack', '--silent', '--pack-destination', context, NPM], { cwd: context, stdin: 'ignore' });
  await mkdir(join(context, 'npm'));
  const archive = join(context, `${NPM.replace('@', '-')}.tgz`);
  await execa('tar', [
    '--extract',
    '--gzip',
    '--strip-components=1',
    '--no-same-owner',
    '--directory',
    join(context, 'npm'),
    '--file',
    archive,
  ]);
  return [
    `FROM ${qualified(DEBIAN)}`,
    'RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node',
    'COPY --chmod=755 node /usr/local/bin/node',
    'COPY npm /usr/local/lib/node_modules/npm',
    'RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \\',
    '    && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \\',
    '    && ln -s node /usr/local/bin/nodejs',
    'CMD ["node"]',
    '',
  ].join('\n');
};
