import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { withoutServices } from '../../cluster/service-guard.ts';

let directory: string;
let policy: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  policy = join(directory, 'policy-rc.d');
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

const OWN = '#!/bin/sh\nexit 0\n';

test.each([
  { before: undefined, reason: 'nothing was there' },
  { before: OWN, reason: 'the system has a policy of its own' },
])('services are forbidden meanwhile, and all is as before afterwards: $reason', async ({ before }) => {
  if (before !== undefined) await writeFile(policy, before, { mode: 0o755 });
  // Whoever asks reads 101: "action forbidden".
  const asked = await withoutServices(() => execa(policy, ['ssh', 'start'], { reject: false }), policy);
  expect(asked.exitCode).toBe(101);
  expect(await readdir(directory)).toEqual(before === undefined ? [] : ['policy-rc.d']);
  expect(await readFile(policy, 'utf8').catch(() => undefined)).toBe(before);
});

test('all is as before after a failure, too', async () => {
  await writeFile(policy, OWN, { mode: 0o755 });
  await expect(withoutServices(() => Promise.reject(new Error('no')), policy)).rejects.toThrow('no');
  expect(await readFile(policy, 'utf8')).toBe(OWN);
});

test('what a killed run has left is put right by the next', async () => {
  await writeFile(policy, OWN, { mode: 0o755 });
  await withoutServices(async () => {
    // A second run begins where the first was killed.
    await withoutServices(async () => {}, policy);
    expect(await readFile(policy, 'utf8')).toBe(OWN);
  }, policy);
  expect(await readdir(directory)).toEqual(['policy-rc.d']);
  expect(await readFile(policy, 'utf8')).toBe(OWN);
});
