import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { duplicityDirectory } from './support/duplicity.ts';
import { failed, failureOf, large, madeBy, small } from './support/ship-outcomes.ts';
import { benchForEach } from './support/bench-for-each.ts';
import { startRsyncRepository } from './support/repositories.ts';
import { subject } from '../support/subject.ts';

const on = benchForEach(startRsyncRepository);

describe('a chain that cannot be continued', () => {
  test('an incremental without a chain is a full, and says so', async () => {
    await on.bench.addCopy(small('a'));
    expect(madeBy(await on.bench.ship({ kind: 'Incremental' }))).toEqual(['Full', 'FullInsteadOfIncremental']);
  }, 60_000);

  test('another encryption begins a new chain', async () => {
    await on.bench.addCopy(small('a'));
    expect(madeBy(await on.bench.ship())).toEqual(['Full']);
    await on.bench.addCopy(small('b'));
    const passphrase = await on.bench.secret('passphrase', { password: 'words' });
    const encryption = { method: 'passphrase', passphrase } as const;
    expect(madeBy(await on.bench.ship({ kind: 'Incremental', encryption }))).toEqual([
      'Full',
      'FullInsteadOfIncremental',
    ]);
    expect((await on.bench.ledger()).chains.map(({ encryption }) => encryption)).toEqual(['none', 'passphrase']);
  }, 90_000);

  test('a run tells of what lies where the policy stores now, and of nothing that lies where it stored before', async () => {
    await on.bench.addCopy(small('a'));
    const before = await on.bench.ship();
    const first = before.result.newest.full?.setTime;
    expect(before.result).toMatchObject({
      repository: subject.repository,
      newest: { recovery: { offSite: expect.any(String) } },
    });
    const passphrase = await on.bench.secret('passphrase', { password: 'words' });
    const other = {
      encryption: { method: 'passphrase', passphrase },
      subject: { ...subject, repository: 'a'.repeat(16) },
    } as const;
    // It fails, and has nothing to tell.
    const nothing = await on.bench.ship({ kind: 'Incremental', ...other });
    expect(nothing.result).toMatchObject({ outcome: 'Failed', repository: other.subject.repository });
    const { copies: _copies, localCopy: _copy, ...stored } = nothing.result.newest;
    expect(stored).toEqual({});
    await on.bench.addCopy(small('b'));
    const { result } = await on.bench.ship({ kind: 'Incremental', ...other });
    expect(result.newest.full?.setTime).toBe(result.newest.chain?.fullTime);
    expect(result.newest.full?.setTime).not.toBe(first);
    const again = await on.bench.ship();
    expect(again.result.newest.full?.setTime).toBe(first);
  }, 120_000);

  test('the archive-dir is lost', async () => {
    await on.bench.addCopy(small('a'));
    expect(madeBy(await on.bench.ship())).toEqual(['Full']);
    await rm(join(on.bench.claim, 'archive'), { recursive: true });
    await on.bench.addCopy(small('b'));
    expect(madeBy(await on.bench.ship({ kind: 'Incremental' }))).toEqual(['Full', 'FullInsteadOfIncremental']);
  }, 90_000);
});

describe('an archive tool that lies', () => {
  /** Does what the real one does, then something more behind its back. */
  const lying = async (after: string): Promise<string> => {
    const real = join(await duplicityDirectory(), 'duplicity');
    return on.bench.program(
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
      await on.bench.addCopy(large('a'));
      const programs = await lying(after(on.bench.repository));
      expect(await failureOf(on.bench, await on.bench.ship({ programs }))).toEqual(
        failed('Check', 'RepositoryIncomplete'),
      );
      expect((await on.bench.ledger()).chains).toEqual([]);
    },
    60_000,
  );

  test('status 0 and nothing done', async () => {
    await on.bench.addCopy(small('a'));
    const programs = await on.bench.program('duplicity', '#!/bin/sh\nexit 0\n');
    expect(await failureOf(on.bench, await on.bench.ship({ programs }))).toEqual(
      failed('Check', 'RepositoryIncomplete'),
    );
  }, 60_000);
});
