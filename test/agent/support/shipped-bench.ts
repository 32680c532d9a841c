import { randomBytes } from 'node:crypto';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { claimLayout } from '../../../src/agent/layout.ts';
import type { ShipTask } from '../../../src/api/v1alpha1/task.ts';
import { makeDirectory } from './directories.ts';
import { type Bench, type Files, makeBench } from './duplicity-bench.ts';
import { processesOf } from './processes.ts';
import { type RsyncRepository, startRsyncRepository } from './repositories.ts';
import { madeBy } from './ship-outcomes.ts';

/** A policy whose sets were shipped once, for tests that each spoil them in their own way. */
export interface ShippedBench {
  readonly bench: Bench;
  readonly repository: RsyncRepository;
  /** Directories of the chains, oldest first. */
  readonly chains: readonly string[];
  /** What was shipped, the newest last. */
  readonly copies: readonly Files[];
  /** Puts repository and ledger back as they were shipped. */
  reset(): Promise<void>;
  /** The n-th file of a chain by a part of its name, in the order of names; the newest chain when it is left out. */
  file(part: string, index?: number, chain?: string): Promise<string>;
  stop(): Promise<void>;
}

export interface ShippedOptions {
  readonly kinds: readonly ShipTask['kind'][];
  readonly encryption?: (bench: Bench) => Promise<ShipTask['encryption']>;
  /** Bytes that all copies share; 1.3 MB, which makes two volumes, when left out. */
  readonly bytes?: number;
}

/** Ships copies that share most of their content. */
export const makeShippedBench = async ({
  kinds,
  encryption,
  bytes = 1_300_000,
}: ShippedOptions): Promise<ShippedBench> => {
  const repository = await startRsyncRepository();
  const bench = await makeBench(repository);
  const saved = await makeDirectory();
  const ledger = claimLayout(bench.claim).ledger;
  const base = randomBytes(bytes);
  const copies = kinds.map((_, index): Files => ({
    'agama/agama.sql': Buffer.concat([base, randomBytes(20_000)]),
    'facts.json': Buffer.from(JSON.stringify({ dataTime: `2026-01-0${index + 1}T01:00:03Z`, number: index })),
  }));
  const given = await encryption?.(bench);
  for (const [index, kind] of kinds.entries()) {
    await bench.addCopy(copies[index] ?? {});
    expect(madeBy(await bench.ship({ kind, ...(given && { encryption: given }) }))).toEqual([kind]);
  }
  const chains = await bench.chains();
  await cp(bench.repository, join(saved.path, 'repository'), { recursive: true, preserveTimestamps: true });
  await cp(ledger, join(saved.path, 'ledger.json'));
  return {
    bench,
    repository,
    chains,
    copies,
    async reset() {
      await rm(bench.repository, { recursive: true, force: true });
      await cp(join(saved.path, 'repository'), bench.repository, { recursive: true, preserveTimestamps: true });
      await cp(join(saved.path, 'ledger.json'), ledger);
      await rm(bench.fetched, { recursive: true, force: true });
    },
    async file(part, index = 0, chain = chains.at(-1) ?? '') {
      const names = (await readdir(join(bench.repository, chain))).filter((name) => name.includes(part)).toSorted();
      const name = names.at(index);
      if (name === undefined) throw new Error(`no file of ${chain} has ${part} in its name: ${names.join(' ')}`);
      return join(bench.repository, chain, name);
    },
    async stop() {
      await bench.remove();
      await repository.stop();
      await saved.remove();
    },
  };
};

/** Changes one bit. */
export const flipBit = async (path: string, at: number): Promise<void> => {
  const content = await readFile(path);
  const index = at < 0 ? content.length + at : at;
  content[index] = (content[index] ?? 0) ^ 1;
  await writeFile(path, content);
};

/** Nothing of a fetch is left: neither files nor processes nor the lock. */
export const expectNothingLeft = async (bench: Bench): Promise<void> => {
  expect(await readdir(bench.scratch)).toEqual([]);
  expect(await readdir(bench.fetched).catch(() => [])).toEqual([]);
  expect((await processesOf(bench.scratch)).map(({ command }) => command)).toEqual([]);
  await execa('flock', ['--nonblock', claimLayout(bench.claim).repositoryLock, 'true']);
};
