import { randomInt } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import * as fc from 'fast-check';
import { compactTime } from '../../src/agent/layout.ts';
import type { LedgerChain, LedgerSet } from '../../src/agent/ledger.ts';
import { parseSetFile } from '../../src/agent/ship/set-files.ts';
import { parseDuration } from '../../src/api/v1alpha1/duration.ts';
import { createZone } from '../../src/cron/zone.ts';
import { expiryOf } from '../../src/cron/expiry.ts';
import { histories, type History } from '../support/retention-history.ts';
import { duplicityDirectory, plainRestore } from './support/duplicity.ts';
import { type Bench, makeBench, readDigests, digests } from './support/duplicity-bench.ts';
import { startVolumeRepository, type TestRepository } from './support/repositories.ts';

// Random histories with sets that duplicity really made, at pretended times, and the agent that really prunes. A half year by default;
// HOLDFAST_REAL_HISTORIES=20 plays twenty of them.

const count = Number(process.env['HOLDFAST_REAL_HISTORIES'] ?? 1);
const days = Number(process.env['HOLDFAST_REAL_DAYS'] ?? 182);
const seed = Number(process.env['HOLDFAST_SEED'] ?? randomInt(2 ** 31));
const dayMs = 86_400_000;
const start = Date.UTC(2026, 0, 4, 1, 5);
const zone = createZone('Etc/UTC');

let volume: TestRepository;
let bin: string;

beforeAll(async () => {
  volume = await startVolumeRepository();
  bin = await duplicityDirectory();
}, 120_000);

afterAll(() => volume.stop());

const duplicity = async (bench: Bench, args: readonly string[]): Promise<string> => {
  const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: bench.path, LANG: 'C.UTF-8' };
  const { stdout } = await execa(join(bin, 'duplicity'), [...args, '--no-encryption'], { env, extendEnv: false });
  return stdout;
};

const iso = (time: Date): string => time.toISOString().replace('.000', '');
const contentAt = (time: string) => ({ 'agama.sql': Buffer.from(`the state of ${time}\n`) });

const isWhole = (chain: LedgerChain, names: readonly string[]): boolean =>
  chain.sets.every(({ files }) => files.every(({ name }) => names.includes(name)));

/** Makes a set as a run does: duplicity writes it, the listing says what it is, the ledger remembers it. */
const backUp = async (bench: Bench, time: Date, isFull: boolean): Promise<void> => {
  const ledger = await bench.ledger();
  const last = ledger.chains.at(-1);
  // A run lists the repository first, and continues only what is whole.
  const there = last === undefined ? [] : await readdir(join(bench.repository, last.directory)).catch(() => []);
  const continued = isFull || last === undefined || !isWhole(last, there) ? undefined : last;
  const newest = continued?.sets.at(-1)?.setTime;
  // duplicity refuses a time before the newest set's, as it should: then a chain of its own is begun.
  const base = newest !== undefined && Date.parse(newest) >= time.getTime() ? undefined : continued;
  const directory = base?.directory ?? `chain-${compactTime(time)}`;
  if (base === undefined && ledger.chains.some((chain) => chain.directory === directory)) return;
  const repository = join(bench.repository, directory);
  await mkdir(repository, { recursive: true });
  const source = join(bench.path, 'source');
  await mkdir(source, { recursive: true });
  const file = join(source, 'agama.sql');
  await writeFile(file, contentAt(iso(time))['agama.sql']);
  // duplicity takes a file of the same size and the same second for unchanged: these are days apart, and written within one second.
  await utimes(file, time, time);
  await duplicity(bench, [
    base === undefined ? 'full' : 'incremental',
    `--current-time=${time.getTime() / 1000}`,
    `--archive-dir=${join(bench.claim, 'archive')}`,
    `--name=${directory}`,
    source,
    `file://${repository}`,
  ]);
  const own = (await readdir(repository)).filter((name) => parseSetFile(name)?.setTime === compactTime(time));
  const files = await Promise.all(own.map(async (name) => ({ name, size: (await stat(join(repository, name))).size })));
  const set: LedgerSet = {
    type: base === undefined ? 'Full' : 'Incremental',
    setTime: iso(time),
    dataTime: iso(time),
    completionTime: iso(time),
    durationSeconds: 1,
    sizeBytes: 1,
    sentBytes: 1,
    jobName: 'a',
    setDigest: 'a'.repeat(64),
    copy: compactTime(time),
    files,
  };
  const { repository: _repository, ...rest } = base ?? {
    directory,
    encryption: 'none',
    sets: [],
    checkedTime: iso(time),
    repository: '',
  };
  const chain: LedgerChain = { ...rest, repository: bench.repositoryId, sets: [...rest.sets, set] };
  const chains = [...ledger.chains.filter((each) => each.directory !== directory), chain];
  await writeFile(join(bench.claim, 'ledger.json'), JSON.stringify({ ...ledger, chains }));
};

const loseFile = async (bench: Bench, pick: number): Promise<void> => {
  const entries = await readdir(bench.repository, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.startsWith('duplicity-'));
  const chosen = files[pick % Math.max(1, files.length)];
  if (chosen !== undefined) await rm(join(chosen.parentPath, chosen.name));
};

/** The chains that can be restored from, by what lies on the host. */
const wholeChains = async (bench: Bench): Promise<LedgerChain[]> => {
  const whole: LedgerChain[] = [];
  for (const chain of (await bench.ledger()).chains) {
    const names = await readdir(join(bench.repository, chain.directory)).catch(() => []);
    if (isWhole(chain, names)) whole.push(chain);
  }
  return whole;
};

const newestAt = (chains: readonly LedgerChain[], moment: number): { chain: LedgerChain; time: string } | undefined =>
  chains
    .flatMap((chain) => chain.sets.map(({ dataTime }) => ({ chain, time: dataTime })))
    .filter(({ time }) => Date.parse(time) <= moment)
    .toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time))
    .at(-1);

/** Every half day that is promised, with the state that it is restored to. */
const promised = (
  chains: readonly LedgerChain[],
  { policy: { keepFor } }: History,
  now: Date,
): (string | undefined)[] => {
  const span = keepFor === undefined ? undefined : parseDuration(keepFor);
  const moments = Array.from({ length: 120 }, (_, half) => now.getTime() - (half * dayMs) / 2).filter(
    (at) => span !== undefined && expiryOf(new Date(at), span, zone) > now,
  );
  return [Number.MAX_SAFE_INTEGER, ...moments].map((at) => newestAt(chains, at)?.time);
};

const restoreAndCompare = async (bench: Bench, moment: number): Promise<void> => {
  const found = newestAt(await wholeChains(bench), moment);
  if (found === undefined) return;
  const target = join(bench.path, `restored-${process.hrtime.bigint()}`);
  const chain = join(bench.repository, found.chain.directory);
  await plainRestore({ chain, target, scratch: bench.path, time: found.time, encrypted: false });
  expect(await readDigests(target)).toEqual(digests(contentAt(found.time)));
};

/** Plays a history to its end; gives how many chains were removed. */
const live = async (history: History): Promise<number> => {
  const bench = await makeBench(volume);
  try {
    await mkdir(join(bench.repository), { recursive: true });
    const marker = { cluster: 'a-cluster', namespace: 'shop', name: 'agama' };
    await writeFile(join(bench.repository, 'holdfast-owner.json'), JSON.stringify(marker));
    let [offset, away, removed] = [0, 0, 0];
    for (const [index, event] of history.days.entries()) {
      const today = new Date(start + index * dayMs);
      if (event.kind === 'downtime') away = Math.max(away, event.days);
      away -= 1;
      if (away >= 0) continue;
      if (event.kind === 'clock') offset = event.hours * 3_600_000;
      if (event.kind === 'loss') await loseFile(bench, event.pick);
      const isFull = index % 7 === 0;
      if (event.kind === 'failure' || (!isFull && index % 7 !== 3)) continue;
      await backUp(bench, new Date(today.getTime() + offset), isFull);
      const now = new Date(today.getTime() + 3_600_000);
      const before = await wholeChains(bench);
      const { result } = await bench.prune({ asOf: iso(now), retention: history.policy });
      expect(result.failure).toBeUndefined();
      removed += result.retention?.removed ?? 0;
      const after = await wholeChains(bench);
      expect(promised(after, history, now)).toEqual(promised(before, history, now));
      // Whole: nothing is left of what is gone, on the host or on the claim.
      const names = (await bench.ledger()).chains.map(({ directory }) => directory).toSorted();
      expect(await bench.chains()).toEqual(names);
      expect((await readdir(join(bench.claim, 'archive'))).toSorted()).toEqual(names);
      expect(after.length > 0).toBe(before.length > 0);
    }
    // Plain duplicity agrees with what the ledger says is whole, and both ends of what is kept are restored.
    for (const { directory, sets } of await wholeChains(bench)) {
      const archive = join(bench.path, `status-${process.hrtime.bigint()}`);
      const stdout = await duplicity(bench, [
        'collection-status',
        `--archive-dir=${archive}`,
        `file://${join(bench.repository, directory)}`,
      ]);
      expect(stdout).toContain(`Number of contained backup sets: ${sets.length}\n`);
      expect(stdout).not.toMatch(/[1-9]\d* (incomplete )?backup set\(?s?\)?/);
    }
    await restoreAndCompare(bench, Number.MAX_SAFE_INTEGER);
    const oldest = (await wholeChains(bench)).flatMap(({ sets }) => sets.map(({ dataTime }) => Date.parse(dataTime)));
    await restoreAndCompare(bench, Math.min(...oldest, Number.MAX_SAFE_INTEGER));
    expect(await readFile(join(bench.repository, 'holdfast-owner.json'), 'utf8')).toBe(JSON.stringify(marker));
    return removed;
  } finally {
    await bench.remove();
  }
};

test(
  'random histories: what was promised is restored, what is not asked for is gone',
  async () => {
    let removed = 0;
    process.stdout.write(`retention: ${count} histories of ${days} days; HOLDFAST_SEED=${seed} repeats them\n`);
    for (const history of fc.sample(histories(days), { seed, numRuns: count })) removed += await live(history);
    // Short histories with a long span may have nothing to remove; many have.
    expect(removed).toBeGreaterThanOrEqual(count > 3 ? count : 0);
  },
  600_000 + count * days * 6000,
);
