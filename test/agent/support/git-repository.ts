import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';

/** Plain git for tests: none of the user's configuration, and the same author and time for every commit unless told. */
export const git = async (
  directory: string,
  args: readonly string[],
  { input, inputFile, env }: { input?: string; inputFile?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<string> => {
  const { stdout } = await execa('git', ['-C', directory, ...args], {
    ...(input !== undefined && { input }),
    ...(inputFile !== undefined && { inputFile }),
    env: {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      HOME: directory,
      LANG: 'C.UTF-8',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_NO_REPLACE_OBJECTS: '1',
      GIT_AUTHOR_NAME: 'Mari Maasikas',
      GIT_AUTHOR_EMAIL: 'mari@example.com',
      GIT_AUTHOR_DATE: '2026-11-20T10:00:00+02:00',
      GIT_COMMITTER_NAME: 'Mari Maasikas',
      GIT_COMMITTER_EMAIL: 'mari@example.com',
      GIT_COMMITTER_DATE: '2026-11-20T10:00:00+02:00',
      ...env,
    },
    extendEnv: false,
  });
  return stdout;
};

/** Writes files into a working tree and commits them. */
export const commit = async (
  tree: string,
  files: Readonly<Record<string, string | Buffer>>,
  message = 'A change',
): Promise<void> => {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(tree, name)), { recursive: true });
    await writeFile(join(tree, name), content);
  }
  await git(tree, ['add', '--all', '--force']);
  await git(tree, ['commit', '--quiet', '--allow-empty', '--message', message]);
};

/** Bytes that look random and are always the same. */
export const noise = (seed: string, length: number): Buffer => {
  const parts: Buffer[] = [];
  for (let index = 0; index * 64 < length; index += 1) {
    parts.push(createHash('sha512').update(`${seed}-${index}`).digest());
  }
  return Buffer.concat(parts).subarray(0, length);
};

const playbook = (role: number, commitNumber: number): string =>
  Array.from(
    { length: 40 },
    (_, task) =>
      `- name: task ${task} of role ${role}\n  ansible.builtin.lineinfile:\n    path: /etc/role-${role}/${task}.conf\n    line: value-${task === commitNumber % 40 ? commitNumber : task}\n`,
  ).join('\n');

/** Makes a repository such as people have for Ansible: roles, some history, a branch and tags. Gives back nothing; `tree` is its working tree. */
export const makeRepository = async (
  tree: string,
  options: { commits?: number; format?: string } = {},
): Promise<void> => {
  const { commits = 12, format = 'sha1' } = options;
  await mkdir(tree, { recursive: true });
  await git(tree, ['init', '--quiet', '--initial-branch=main', `--object-format=${format}`]);
  for (let number = 0; number < commits; number += 1) {
    const role = number % 5;
    await commit(tree, { [`roles/role-${role}/tasks/main.yml`]: playbook(role, number) }, `Change ${number}`);
  }
  await git(tree, ['branch', 'staging', 'main~1']);
  await git(tree, ['tag', '--annotate', '--message', 'First', 'v1', 'main~2']);
};

/** Adds refs of every kind and odd content: what a clone without --mirror leaves out, and names that tools trip over. */
export const addOddities = async (tree: string): Promise<void> => {
  await commit(tree, {
    'files/big.bin': noise('big', 3_000_000),
    'files/ünïcode “quotes”.txt': 'õäöü\n',
    'files/-dash': '',
    'files/new\nline': 'odd\n',
    'files/latin1.txt': Buffer.from([0xe4, 0xf6, 0x00, 0xff]),
  });
  const head = await git(tree, ['rev-parse', 'HEAD']);
  const update = (ref: string, object = head) => git(tree, ['update-ref', ref, object]);
  await git(tree, ['notes', 'add', '--message', 'A note', 'HEAD']);
  await writeFile(join(tree, 'files/-dash'), 'stashed\n');
  await git(tree, ['stash', '--quiet']);
  for (const ref of [
    'refs/pull/1/head',
    'refs/merge-requests/7/merge',
    'refs/heads/-dash',
    'refs/heads/ünïcode/“q”',
    `refs/heads/it's`,
    'refs/heads/"dq"',
    'refs/heads/$(id);`id`|id&',
    'refs/remotes/origin/main',
    'refs/odd',
  ]) {
    await update(ref);
  }
  await git(tree, ['tag', 'lightweight']);
  await git(tree, ['tag', '--annotate', '--message', 'Tag of a tag', 'nested', 'v1']);
  await update('refs/tags/blob', await git(tree, ['rev-parse', 'HEAD:files/latin1.txt']));
  await update('refs/tags/tree', await git(tree, ['rev-parse', 'HEAD:roles']));
  const parent = await git(tree, ['rev-parse', 'HEAD~1']);
  await git(tree, [
    'replace',
    head,
    await git(tree, ['commit-tree', '-m', 'Replaced', '-p', parent, `${parent}^{tree}`]),
  ]);
  const many = Array.from({ length: 300 }, (_, number) => `create refs/heads/many/${number} ${parent}\n`);
  await git(tree, ['update-ref', '--stdin'], { input: many.join('') });
};

/** A bare repository with every ref of another, as a server has it. */
export const serve = async (tree: string, bare: string): Promise<void> => {
  await mkdir(dirname(bare), { recursive: true });
  await git(tree, ['clone', '--quiet', '--mirror', '--no-local', tree, bare]);
};

/** Brings the changes of a working tree to a server. */
export const publish = (tree: string, bare: string): Promise<string> =>
  git(bare, ['fetch', '--quiet', '--prune', tree, '+refs/*:refs/*']);

/** All of a repository, by plain git alone: what two that are equal have in common. */
export const contentOf = async (
  repository: string,
): Promise<{ refs: string; head: string; objects: string; fsck: string }> => ({
  refs: await git(repository, ['for-each-ref', '--format=%(refname) %(objectname) %(objecttype)']),
  head: (await readFile(join(repository, 'HEAD'), 'utf8')).trim(),
  objects: createHash('sha256')
    .update(
      (await git(repository, ['rev-list', '--objects', '--no-object-names', '--all']))
        .split('\n')
        .toSorted()
        .join('\n'),
    )
    .digest('hex'),
  fsck: await git(repository, ['fsck', '--full', '--strict', '--no-dangling', '--no-progress']),
});

/** Brings a copy back as docs/restore-by-hand.md does. Gives back the bare repository. */
export const restoreCopy = async (copy: string, target: string): Promise<string> => {
  await git(copy, ['clone', '--quiet', '--mirror', join(copy, 'repository.bundle'), target]);
  await writeFile(join(target, 'HEAD'), await readFile(join(copy, 'HEAD')));
  return target;
};
