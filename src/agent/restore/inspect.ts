import { basename } from 'node:path';
import type { DestinationEvidence, RestoreReport, SafetyCopyFound } from '../../api/v1alpha1/restore-report.ts';
import type { InspectTask } from '../../api/v1alpha1/task.ts';
import { timestamp } from '../../base/times.ts';
import { dataTimeIn } from '../fetch/restored.ts';
import type { Made, RunContext } from '../run.ts';
import { isoOfStamp } from '../ship/set-files.ts';
import { plainText, shorten } from '../text.ts';
import type { Found, RestoreEngine } from './engine.ts';
import { judgeFound } from './judge-found.ts';
import { newestCopy } from './newest-copy.ts';
import { putBackEngine } from './origin.ts';
import type { RestorerFor } from './restorer.ts';

/** The schema's limits. */
const max = { server: 64, missing: 5, name: 80, summary: 240 } as const;

/**
 * Looks at the destination, and touches nothing: the evidence for or against a loss that a person sees before confirming it.
 * @throws StepFailure with a RunError of the catalogue
 */
export const inspectWith =
  (restorerFor: RestorerFor) =>
  async (context: RunContext<InspectTask>): Promise<Made> => {
    let report: RestoreReport = { state: 'Untouched' };
    context.restores(() => report);
    const copy = await context.step('Prepare', () => newestCopy(context));
    const engine = restorerFor(context.task);
    const seen = await context.step('Inspect', async () => {
      const expectedTime = copy === undefined ? undefined : await timeOf(copy);
      const { found, ...rest } = await look(context, engine, copy);
      return { ...rest, destination: evidence(context, found, expectedTime) };
    });
    context.log.info(seen.destination.summary, { healthy: seen.destination.healthy });
    report = { ...report, ...seen };
    return {};
  };

/** What is there, and the safety copy that is to be put back, if one is. */
const look = async (
  context: RunContext<InspectTask>,
  engine: RestoreEngine,
  newest: string | undefined,
): Promise<{ readonly found: Found; readonly copy?: SafetyCopyFound }> => {
  const { copyOf } = context.task;
  return copyOf === undefined
    ? { found: await engine.look(context, newest) }
    : putBackEngine(engine, copyOf).look(context, newest);
};

const timeOf = async (copy: string): Promise<string> => {
  const told = await dataTimeIn(copy);
  return told === undefined ? isoOfStamp(basename(copy)) : timestamp(new Date(told));
};

const evidence = (
  { task, secrets }: RunContext<InspectTask>,
  found: Found,
  expectedTime: string | undefined,
): DestinationEvidence => {
  const words = (text: string, length: number): string => shorten(plainText(secrets.redact(text)), length);
  const missing = found.missing.slice(0, max.missing).map((name) => words(name, max.name));
  const { healthy, summary } = judgeFound({ found: { ...found, missing }, into: task.into.by, expectedTime });
  const { server, ...counts } = found;
  return {
    ...(server !== undefined && { server: words(server, max.server) }),
    ...counts,
    missing,
    ...(expectedTime !== undefined && { expectedTime }),
    healthy,
    summary: words(summary, max.summary),
  };
};
