import { jest } from '@jest/globals';
import { dumpTask, type DumpTask } from '../../../src/api/v1alpha1/task.ts';
import { dumpInWindow } from '../../../src/agent/dump/window.ts';
import { createLog } from '../../../src/agent/log.ts';
import { createRun } from '../../../src/agent/run.ts';
import { subject } from '../../support/subject.ts';

const taskWith = (window: DumpTask['window']): DumpTask =>
  dumpTask.parse({
    kind: 'LocalCopy',
    policy: { namespace: 'shop', name: 'agama' },
    subject,
    claim: '/nowhere',
    scratch: '/nowhere',
    deadlineSeconds: 60,
    source: {
      mysql: {
        host: 'db',
        port: 3306,
        databases: ['agama'],
        credentials: '/nowhere',
        credentialsSecret: 'agama-mysql',
      },
    },
    keep: 2,
    window,
  });

/** A run whose clock shows what it is given. */
const runAt = (now: () => Date) => {
  const stop = new AbortController();
  const task = taskWith({ start: '01:00', durationSeconds: 60, timeZone: 'UTC', enforce: true });
  return createRun({
    task,
    jobName: 'a-job',
    startTime: now(),
    signal: stop.signal,
    stop: (failure) => stop.abort(failure),
    now,
    createLog: (redact) => createLog(redact, {}),
  });
};

beforeEach(() => {
  jest.useFakeTimers({ now: new Date('2026-11-22T01:00:30Z') });
});
afterEach(() => {
  jest.useRealTimers();
});

const now = (): Date => new Date();

test('what comes after the dump is not stopped when the window closes', async () => {
  const { context, dumped } = runAt(now);
  await dumpInWindow(context, () => jest.advanceTimersByTimeAsync(10_000));
  await jest.advanceTimersByTimeAsync(120_000);
  expect(context.signal.aborted).toBe(false);
  expect(dumped()).toEqual({
    startTime: new Date('2026-11-22T01:00:30Z'),
    endTime: new Date('2026-11-22T01:00:40Z'),
  });
});

test('the dump is stopped at the very moment the window closes', async () => {
  const { context } = runAt(now);
  const stopped: Date[] = [];
  context.signal.addEventListener('abort', () => stopped.push(now()));
  await dumpInWindow(context, () => jest.advanceTimersByTimeAsync(50_000));
  expect(stopped).toEqual([new Date('2026-11-22T01:01:00Z')]);
  expect(context.signal.reason).toMatchObject({ reason: 'WindowExceeded' });
});
