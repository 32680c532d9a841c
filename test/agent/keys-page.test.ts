import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../../src/agent/dump/canonical-json.ts';
import { shellBlocks } from '../support/markdown.ts';
import { runPage } from '../support/restore-page.ts';
import { benchForEach } from './support/bench-for-each.ts';
import { makeGpgOwner } from './support/duplicity-gpg.ts';
import { startRsyncRepository } from './support/repositories.ts';
import { madeBy } from './support/ship-outcomes.ts';

// A person proves, with nothing but stock tools, that the copy of the key that is kept outside opens what the pods have stored.

const on = benchForEach(startRsyncRepository);
const page = new URL('../../docs/keys.md', import.meta.url);

test('the check of docs/keys.md: the key that the page makes opens the archive, another one does not', async () => {
  const text = await readFile(page, 'utf8');
  const made = { WORK: join(on.bench.path, 'm') };
  await mkdir(made.WORK);
  await runPage(shellBlocks(text, 'make'), made, on.bench.path, 'docs/keys.md');
  const publicKey = await on.bench.secret('gpg', {
    'public.asc': await readFile(join(made.WORK, 'public.asc'), 'utf8'),
  });
  for (const [number, kind] of [
    [1, 'Full'],
    [2, 'Incremental'],
  ] as const) {
    await on.bench.addCopy({
      'dump.sql': Buffer.from(`-- day ${number}\n`.repeat(500)),
      'facts.json': Buffer.from(canonicalJson({ dataTime: `2026-01-0${number}T01:00:03Z` })),
    });
    expect(madeBy(await on.bench.ship({ kind, encryption: { method: 'gpg', publicKey } }))).toEqual([kind]);
  }
  const [place = '', ...commands] = shellBlocks(text);
  const { host } = on.repository;
  const settings = {
    BACKUP_HOST: host.host,
    BACKUP_PORT: String(host.port),
    BACKUP_USER: host.user,
    BACKUP_DIRECTORY: on.bench.repository,
    SSH_KEY: join(on.bench.path, 'key'),
    KNOWN_HOSTS: join(on.bench.path, 'known-hosts'),
    GPG_PRIVATE_KEY: join(made.WORK, 'private.asc'),
    WORK: join(on.bench.path, 'w'),
  };
  for (const name of Object.keys(settings)) expect(place).toContain(`export ${name}=`);
  await writeFile(settings.SSH_KEY, host.key.privateKey, { mode: 0o600 });
  await writeFile(settings.KNOWN_HOSTS, `${host.knownHosts()}\n`);
  await mkdir(settings.WORK);
  // What asks the cluster is said instead: the words are what counts.
  const evidence = ['kubectl() { printf "told: %s\\n" "${@: -1}"; }', ...shellBlocks(text, 'evidence')];
  const told = [...commands.slice(0, -1), ...evidence, ...commands.slice(-1)];
  const printed = await runPage(told, settings, on.bench.path, 'docs/keys.md');
  expect(printed).toContain('"dataTime": "2026-01-02T01:00:03Z"');
  expect(printed).toMatch(
    /told: holdfast\.dev\/key-checked=\d{4}-\d\d-\d\d key [0-9A-F]{40} opened the data of 2026-01-02T01:00:03Z$/m,
  );
  await expect(stat(settings.WORK)).rejects.toThrow('ENOENT');

  const other = await makeGpgOwner(on.bench.path, 'o');
  await other.stop();
  await writeFile(join(on.bench.path, 'other.asc'), other.privateKey, { mode: 0o600 });
  const wrong = { ...settings, GPG_PRIVATE_KEY: join(on.bench.path, 'other.asc'), WORK: join(on.bench.path, 'x') };
  await mkdir(wrong.WORK);
  await expect(runPage(commands, wrong, on.bench.path, 'docs/keys.md')).rejects.toThrow('No secret key');
}, 180_000);
