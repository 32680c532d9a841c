import { readdir, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { duplicityDirectory } from './support/duplicity.ts';
import { type Bench, digests, makeBench } from './support/duplicity-bench.ts';
import { failed, failureOf, large, madeBy, restored, small } from './support/ship-outcomes.ts';
import { type BackupHost, startBackupHost } from './support/ssh.ts';

let host: BackupHost;
let bench: Bench;

beforeAll(async () => {
  host = await startBackupHost();
  await duplicityDirectory();
}, 120_000);

afterAll(() => host.stop());

beforeEach(async () => {
  bench = await makeBench(host);
});

afterEach(() => bench.remove());

describe('a chain that cannot be continued', () => {
  test('an incremental without a chain is a full, and says so', async () => {
    await bench.addCopy(small('a'));
    expect(madeBy(await bench.ship({ kind: 'Incremental' }))).toEqual(['Full', 'FullInsteadOfIncremental']);
  }, 60_000);

  test.each([
    { what: 'deleted', spoil: (file: string) => rm(file) },
    { what: 'cut off', spoil: (file: string) => truncate(file, 100) },
  ])(
    'a volume is $what: a full in a chain of its own, and the old one is never green again',
    async ({ spoil }) => {
      await bench.addCopy(small('a'));
      expect(madeBy(await bench.ship())).toEqual(['Full']);
      const [directory = ''] = await bench.chains();
      const names = await readdir(join(bench.repository, directory));
      const volume = names.find((name) => name.includes('.vol1.')) ?? '';
      await spoil(join(bench.repository, directory, volume));
      await bench.addCopy(small('b'));
      const run = await bench.ship({ kind: 'Incremental' });
      expect(madeBy(run)).toEqual(['Full', 'ChainBroken']);
      expect(run.result.notes[0]?.message).toContain(volume);
      const { chains } = await bench.ledger();
      expect(chains.map(({ problem, sets }) => [problem?.includes(volume), sets.length])).toEqual([
        [true, 1],
        [undefined, 1],
      ]);
      expect(await restored(bench)).toEqual(digests(small('b')));
    },
    90_000,
  );

  test('another encryption begins a new chain', async () => {
    await bench.addCopy(small('a'));
    expect(madeBy(await bench.ship())).toEqual(['Full']);
    await bench.addCopy(small('b'));
    const passphrase = await bench.secret('passphrase', { password: 'words' });
    const encryption = { method: 'passphrase', passphrase } as const;
    expect(madeBy(await bench.ship({ kind: 'Incremental', encryption }))).toEqual(['Full', 'FullInsteadOfIncremental']);
    expect((await bench.ledger()).chains.map(({ encryption }) => encryption)).toEqual(['none', 'passphrase']);
  }, 90_000);

  test('the archive-dir is lost', async () => {
    await bench.addCopy(small('a'));
    expect(madeBy(await bench.ship())).toEqual(['Full']);
    await rm(join(bench.claim, 'archive'), { recursive: true });
    await bench.addCopy(small('b'));
    expect(madeBy(await bench.ship({ kind: 'Incremental' }))).toEqual(['Full', 'FullInsteadOfIncremental']);
  }, 90_000);
});

describe('an archive tool that lies', () => {
  /** Does what the real one does, then something more behind its back. */
  const lying = async (after: string): Promise<string> => {
    const real = join(await duplicityDirectory(), 'duplicity');
    return bench.program(
      'duplicity',
      `#!/bin/sh\n"${real}" "$@"\nstatus=$?\nif [ "$1" != collection-status ]; then ${after}; fi\nexit $status\n`,
    );
  };

  test.each([
    { what: 'half of the volumes', after: (place: string) => `rm -f "${place}"/chain-*/*.vol2.*` },
    { what: 'a shorter volume', after: (place: string) => `truncate --size=-1 "${place}"/chain-*/*.vol2.*` },
    { what: 'no manifest', after: (place: string) => `rm -f "${place}"/chain-*/*.manifest` },
    { what: 'empty signatures', after: (place: string) => `truncate --size=0 "${place}"/chain-*/*.sigtar.gz` },
  ])(
    'status 0, but $what in the repository',
    async ({ after }) => {
      await bench.addCopy(large('a'));
      const programs = await lying(after(bench.repository));
      expect(await failureOf(bench, await bench.ship({ programs }))).toEqual(failed('Check', 'RepositoryIncomplete'));
      expect((await bench.ledger()).chains).toEqual([]);
    },
    60_000,
  );

  test('status 0 and nothing done', async () => {
    await bench.addCopy(small('a'));
    const programs = await bench.program('duplicity', '#!/bin/sh\nexit 0\n');
    expect(await failureOf(bench, await bench.ship({ programs }))).toEqual(failed('Check', 'RepositoryIncomplete'));
  }, 60_000);
});
