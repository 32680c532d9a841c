import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { claimLayout } from '../../src/agent/layout.ts';
import { emptyLedger, ledger as ledgerSchema, type Ledger } from '../../src/agent/ledger.ts';
import { result as resultSchema, type Result } from '../../src/api/v1alpha1/result.ts';
import { queriesDigest } from '../../src/api/v1alpha1/verification.ts';
import type { VerifyTask } from '../../src/api/v1alpha1/task.ts';
import { compileCache } from './support/compile-cache.ts';
import { makeDirectory } from './support/directories.ts';
import { waitFor } from './support/processes.ts';
import { verificationOf } from './support/verification.ts';
import { setOf } from '../support/ledger.ts';
import { subject } from '../support/subject.ts';

// The frame around every engine, with an engine that is real and small: see support/files-verifier.ts.

const main = join(import.meta.dirname, 'support/files-verifier.ts');
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

let home: Awaited<ReturnType<typeof makeDirectory>>;
beforeEach(async () => {
  home = await makeDirectory();
  for (const name of ['claim', 's', 'fetched']) await mkdir(join(home.path, name));
  await writeFile(claimLayout(join(home.path, 'claim')).ledger, JSON.stringify(ledger()));
});
afterEach(() => home.remove());

const chains = { latest: 'chain-20261122T010500Z', older: 'chain-20261115T010500Z' } as const;
const times = { latest: '2026-11-22T01:05:01Z', older: '2026-11-15T01:05:01Z' } as const;
type Which = keyof typeof chains;

const ledger = (): Ledger => ({
  ...emptyLedger(),
  chains: (['older', 'latest'] as const).map((which) => ({
    repository: 'r',
    place: subject.repository,
    directory: chains[which],
    encryption: 'none',
    checkedTime: times[which],
    sets: [setOf(times[which])],
  })),
});

interface Given {
  /** Facts that are otherwise than the data. */
  readonly facts?: object;
  readonly factsKnown?: boolean;
  /** Done to facts.json after it was handed over. */
  readonly tamper?: (facts: string) => string;
}

const seen = { outcome: 'Passed', evidence: 'seen' };

const handOver = async (which: Which, { facts, factsKnown = true, tamper = (text) => text }: Given = {}) => {
  const directory = join(home.path, 'fetched', which);
  await mkdir(join(directory, 'data'), { recursive: true });
  const files = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, `${which} ${name}`]));
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, 'data', name), content);
  const digests = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, sha256(content)]));
  const text = JSON.stringify({ server: 'files 1.2', files: digests, ...facts });
  await writeFile(join(directory, 'facts.json'), tamper(text));
  return {
    set: {
      type: 'Full',
      setTime: times[which],
      dataTime: times[which],
      chain: chains[which],
      setDigest: 'a'.repeat(64),
      ...(factsKnown && { factsDigest: sha256(text) }),
    },
    directory,
    checks: { created: seen, readable: seen, complete: seen },
    bytes: 30,
    seconds: 1.5,
  };
};

interface Options {
  readonly fault?: string;
  readonly queries?: VerifyTask['queries'];
  readonly deadlineSeconds?: number;
  readonly terminateAt?: string;
}

const verify = async ({ fault = '', queries = [], deadlineSeconds = 60, terminateAt }: Options = {}) => {
  const message = join(home.path, 'result');
  const task: VerifyTask = {
    kind: 'Verify',
    policy: { namespace: 'shop', name: 'agama' },
    claim: join(home.path, 'claim'),
    scratch: join(home.path, 's'),
    subject,
    deadlineSeconds,
    sandbox: { git: {} },
    fetched: join(home.path, 'fetched'),
    queries,
    startSeconds: 5,
  };
  const child = spawn(process.execPath, [main], {
    env: {
      ...compileCache,
      PATH: process.env['PATH'],
      HOLDFAST_TASK: JSON.stringify(task),
      HOLDFAST_JOB: 'job-1',
      HOLDFAST_TERMINATION_LOG: message,
      FILES_FAULT: fault,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (log += part.toString()));
  const exited = once(child, 'close');
  if (terminateAt !== undefined) {
    await waitFor(terminateAt, async () => log.includes(terminateAt));
    child.kill('SIGTERM');
  }
  await exited;
  const result: Result = resultSchema.parse(JSON.parse(await readFile(message, 'utf8')));
  return { exitCode: child.exitCode, result, log };
};

const give = async (given: { latest?: Given; older?: Given } = {}): Promise<void> => {
  const handover = {
    latest: await handOver('latest', given.latest),
    ...(given.older && { older: await handOver('older', given.older) }),
  };
  await writeFile(join(home.path, 'fetched/fetched.json'), JSON.stringify(handover));
};

/** What the ledger says of the two chains, older first: whether they were verified, and what is wrong with them. */
const remembered = async (): Promise<unknown[]> => {
  const text = await readFile(claimLayout(join(home.path, 'claim')).ledger, 'utf8');
  return ledgerSchema
    .parse(JSON.parse(text))
    .chains.map(({ sets, problem, damaged }) => [
      sets[0]?.verifiedTime === undefined ? 'not verified' : 'verified',
      problem === damaged ? problem : 'problem and damage differ',
    ]);
};
const untouched = ['not verified', undefined];
const report = (outcome: string, restorable: string, complete = 'Passed'): string[] => [
  outcome,
  'Passed',
  'Passed',
  complete,
  restorable,
];

describe('what is whole', () => {
  test('is verified: all that was compared is said, and the ledger remembers it', async () => {
    await give();
    const queries = [{ query: 'count', expect: '3\n' }];
    const run = await verify({ queries });
    expect(verificationOf(run)).toEqual({
      exitCode: 0,
      outcome: 'Succeeded',
      reason: undefined,
      latest: report('Verified', 'Passed'),
    });
    const { latest } = run.result.verification ?? {};
    expect(latest).toMatchObject({
      set: { chain: chains.latest, setTime: times.latest },
      objectsCompared: 3,
      rowsCompared: 30,
      mismatches: { count: 0, named: [] },
      sourceBytes: 30,
      server: 'files 1.2',
      seconds: { fetch: 1.5, load: expect.any(Number), compare: expect.any(Number) },
      queries: queriesDigest(queries),
    });
    expect(latest?.checks.restorable.evidence).toMatch(
      /^Loaded into files 1\.2 in [\d.]+ s: 3 objects with 30 rows are equal to the facts; 1 query as expected$/,
    );
    expect(await remembered()).toEqual([untouched, ['verified', undefined]]);
    expect(await readdir(join(home.path, 's/server'))).toEqual([]);
    expect(run.result.newest.full?.setTime).toBe(times.latest);
  });

  test('two sets, one after the other in the same server', async () => {
    await give({ older: {} });
    const run = await verify();
    expect(verificationOf(run)).toEqual({
      exitCode: 0,
      outcome: 'Succeeded',
      reason: undefined,
      latest: report('Verified', 'Passed'),
      older: report('Verified', 'Passed'),
    });
    expect(await remembered()).toEqual([
      ['verified', undefined],
      ['verified', undefined],
    ]);
  });
});

const { stringMatching } = expect;

describe('what is not', () => {
  test.each<{
    reason: string;
    given?: Given;
    options: Options;
    failure: string;
    report: string[];
    says: RegExp;
    damaged: boolean;
  }>([
    {
      reason: 'a byte is another',
      options: { fault: 'a byte' },
      failure: 'ContentDiffers',
      report: report('Failed', 'Failed'),
      says: /1 object of 3 differs: file a: another digest/,
      damaged: true,
    },
    {
      reason: 'something is missing',
      options: { fault: 'one is lost' },
      failure: 'ContentDiffers',
      report: report('Failed', 'Failed'),
      says: /file a: missing/,
      damaged: true,
    },
    {
      reason: 'something is there that was not recorded',
      options: { fault: 'one too many' },
      failure: 'ContentDiffers',
      report: report('Failed', 'Failed'),
      says: /file z: not recorded/,
      damaged: true,
    },
    {
      reason: 'the server refuses it',
      options: { fault: 'it refuses' },
      failure: 'BackupNotLoadable',
      report: report('Failed', 'Failed'),
      says: /The server said: no/,
      damaged: true,
    },
    {
      reason: 'the facts were changed after they were fetched',
      given: { tamper: (text) => text.replace('files 1.2', 'files 1.3') },
      options: {},
      failure: 'BackupDamaged',
      report: report('Failed', 'Unknown', 'Failed'),
      says: /facts.json has another SHA-256/,
      damaged: true,
    },
    {
      reason: 'the facts cannot be read',
      given: { facts: { files: 1 } },
      options: {},
      failure: 'BackupDamaged',
      report: report('Failed', 'Failed'),
      says: /facts.json cannot be read/,
      damaged: true,
    },
    {
      reason: 'a query has another result',
      options: { queries: [{ query: 'count', expect: '4' }] },
      failure: 'QueryFailed',
      report: report('Failed', 'Failed'),
      says: /Query 1 gave 1 line, of which line 1/,
      damaged: false,
    },
    {
      reason: 'a query cannot be run',
      options: { queries: [{ query: 'nonsense', expect: '4' }] },
      failure: 'QueryFailed',
      report: report('Failed', 'Failed'),
      says: /does not know this statement/,
      damaged: false,
    },
    {
      reason: 'something is not witnessed',
      given: { facts: { unknown: ['view v'] } },
      options: {},
      failure: 'FactsUnknown',
      report: report('CouldNotVerify', 'Unknown'),
      says: /do not witness view v; 3 objects with 30 rows were compared and are equal/,
      damaged: false,
    },
    {
      reason: 'the facts were unknown from the beginning',
      given: { factsKnown: false },
      options: {},
      failure: 'FactsUnknown',
      report: report('CouldNotVerify', 'Unknown'),
      says: /The facts were not known/,
      damaged: false,
    },
    {
      reason: 'another release',
      given: { facts: { server: 'files 2.0' } },
      options: {},
      failure: 'SandboxVersionDiffers',
      report: report('CouldNotVerify', 'Unknown'),
      says: /It is files 1.2, and the backup is of files 2.0/,
      damaged: false,
    },
    {
      reason: 'the server does not start',
      options: { fault: 'no server' },
      failure: 'SandboxUnavailable',
      report: report('CouldNotVerify', 'Unknown'),
      says: /SandboxUnavailable/,
      damaged: false,
    },
    {
      reason: 'the server dies',
      options: { fault: 'it dies' },
      failure: 'SandboxUnavailable',
      report: report('CouldNotVerify', 'Unknown'),
      says: /The scratch server is gone/,
      damaged: false,
    },
    {
      reason: 'the deadline passes',
      options: { fault: 'it hangs', deadlineSeconds: 3 },
      failure: 'DeadlineExceeded',
      report: report('CouldNotVerify', 'Unknown'),
      says: /DeadlineExceeded/,
      damaged: false,
    },
    {
      reason: 'SIGTERM',
      options: { fault: 'it hangs', terminateAt: 'step Load' },
      failure: 'Interrupted',
      report: report('CouldNotVerify', 'Unknown'),
      says: /Interrupted/,
      damaged: false,
    },
  ])('$reason: never verified', async ({ given = {}, options, failure, report: expected, says, damaged }) => {
    await give({ latest: given });
    const run = await verify(options);
    expect(verificationOf(run)).toEqual({ exitCode: 1, outcome: 'Failed', reason: failure, latest: expected });
    const checks = run.result.verification?.latest.checks;
    const told = checks?.complete.outcome === 'Failed' ? checks.complete : checks?.restorable;
    expect(told?.evidence).toMatch(says);
    expect(await remembered()).toEqual([untouched, ['not verified', damaged ? stringMatching(says) : undefined]]);
  });

  test('fifty objects differ: all are counted, the first ten named', async () => {
    const files = Object.fromEntries(Array.from({ length: 47 }, (_, index) => [`file-${index}`, sha256('x')]));
    await give({ latest: { facts: { files } } });
    const { result } = await verify();
    expect(result.verification?.latest.mismatches?.count).toBe(50);
    expect(result.verification?.latest.mismatches?.named).toHaveLength(10);
    expect(result.failure?.message).toContain('50 objects of 47 differ');
  });

  test('nothing was handed over, or what leads elsewhere', async () => {
    const unknown = ['CouldNotVerify', 'Unknown', 'Unknown', 'Unknown', 'Unknown'];
    const expected = { exitCode: 1, outcome: 'Failed', reason: 'InternalError', latest: unknown };
    expect(verificationOf(await verify())).toEqual(expected);
    const elsewhere = { ...(await handOver('latest')), directory: '/etc' };
    await writeFile(join(home.path, 'fetched/fetched.json'), JSON.stringify({ latest: elsewhere }));
    expect(verificationOf(await verify())).toEqual(expected);
  });
});

describe('two sets', () => {
  test('the newest differs, the older one is equal: each by itself', async () => {
    await give({ older: {} });
    const run = await verify({ fault: 'the newest only' });
    expect(verificationOf(run)).toEqual({
      exitCode: 1,
      outcome: 'Failed',
      reason: 'ContentDiffers',
      latest: report('Failed', 'Failed'),
      older: report('Verified', 'Passed'),
    });
    expect(await remembered()).toEqual([
      ['verified', undefined],
      ['not verified', expect.stringContaining('file a')],
    ]);
  });

  test('the newest is equal, the facts of the older one were unknown', async () => {
    await give({ older: { factsKnown: false } });
    const run = await verify();
    expect(verificationOf(run)).toEqual({
      exitCode: 1,
      outcome: 'Failed',
      reason: 'FactsUnknown',
      latest: report('Verified', 'Passed'),
      older: report('CouldNotVerify', 'Unknown'),
    });
    expect(await remembered()).toEqual([untouched, ['verified', undefined]]);
  });

  test('the server cannot be emptied in between: the older one could not be verified', async () => {
    await give({ older: {} });
    const run = await verify({ fault: 'it is not emptied' });
    expect(verificationOf(run)).toEqual({
      exitCode: 1,
      outcome: 'Failed',
      reason: 'SandboxUnavailable',
      latest: report('Verified', 'Passed'),
      older: report('CouldNotVerify', 'Unknown'),
    });
  });

  test('the server dies: the older one is not tried', async () => {
    await give({ older: {} });
    const run = await verify({ fault: 'it dies' });
    expect(verificationOf(run)).toEqual({
      exitCode: 1,
      outcome: 'Failed',
      reason: 'SandboxUnavailable',
      latest: report('CouldNotVerify', 'Unknown'),
      older: report('CouldNotVerify', 'Unknown'),
    });
  });
});
