import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { plainRestore } from './duplicity.ts';
import { type Bench, type Files, readDigests, type ShipRun } from './duplicity-bench.ts';

export const small = (text: string): Files => ({ 'agama/agama.sql': Buffer.from(`${text}\n`.repeat(500)) });
const base = randomBytes(2_200_000);
/** Of several volumes, and random so that they are as large as the data. */
export const large = (text: string): Files => ({ 'agama/agama.sql': Buffer.concat([base, Buffer.from(text)]) });

/** How a run failed. Nothing may be recorded as done by it: no set, no copy shipped. */
export const failureOf = async (bench: Bench, { exitCode, result }: ShipRun): Promise<object> => {
  const { chains, copies, runs } = await bench.ledger();
  const job = runs.at(-1)?.jobName;
  return {
    exitCode,
    outcome: result.outcome,
    made: result.made,
    step: result.failure?.step,
    reason: result.failure?.reason,
    recorded: runs.at(-1)?.failure?.reason,
    sets: chains.flatMap(({ sets }) => sets).filter(({ jobName }) => jobName === job),
    shippedAs: copies.at(-1)?.shippedAs,
  };
};

export const failed = (step: string, reason: string): object => ({
  exitCode: 1,
  outcome: 'Failed',
  made: undefined,
  step,
  reason,
  recorded: reason,
  sets: [],
  shippedAs: undefined,
});

/** What a run made and the reasons of its notes, or the reason and message of its failure. */
export const madeBy = ({ result }: ShipRun): unknown[] =>
  result.failure
    ? [result.failure.reason, result.failure.message]
    : [result.made, ...result.notes.map(({ reason }) => reason)];

/** Restores the newest set of the newest chain without Holdfast's help. */
export const restored = async (bench: Bench, chainIndex = -1, time?: string): Promise<Record<string, string>> => {
  const directory = (await bench.ledger()).chains.at(chainIndex)?.directory ?? '';
  const target = join(bench.path, `restored-${process.hrtime.bigint()}`);
  await plainRestore({
    chain: join(bench.repository, directory),
    target,
    scratch: bench.path,
    encrypted: false,
    ...(time !== undefined && { time }),
  });
  return readDigests(target);
};
