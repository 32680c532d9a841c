import { parseGate } from '../api/v1alpha1/gate.ts';
import type { Result } from '../api/v1alpha1/result.ts';
import type { RestoreRequestStatus, RestoreStep } from '../api/v1alpha1/restorerequest.ts';
import { timestamp } from '../base/times.ts';
import type { RestoreStage } from '../workloads/restore-stage.ts';
import { containerOf, saidBy, type Part, type StageJob } from './observed.ts';

type StepName = RestoreStep['name'];
type ContainerName = Result['container'];

/** The steps that are a container each. */
const ofContainers: readonly (readonly [RestoreStage, ContainerName, StepName])[] = [
  ['plan', 'resolve', 'Resolve'],
  ['plan', 'inspect', 'Inspect'],
  ['restore', 'bring', 'Fetch'],
  ['restore', 'load', 'Load'],
  ['restore', 'show', 'Load'],
  ['restore', 'swap', 'Swap'],
  ['restore', 'check', 'Check'],
  ['discard', 'discard', 'Discard'],
  ['clean', 'discard', 'Discard'],
];

const sizeOf = (bytes: number): string =>
  bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KiB` : `${Math.ceil(bytes / (1024 * 1024))} MiB`;

/** @param ofCopy whether a safety copy is put back, which is no set */
const wordsOf = (name: ContainerName, { failure, restore }: Result, ofCopy: boolean): string | undefined => {
  if (failure !== undefined) return `${failure.reason}: ${failure.message}`.slice(0, 320);
  const { point, destination, fetched, compared, safetyCopy } = restore ?? {};
  if (name === 'resolve' && point !== undefined)
    return `${point.set.type} of ${point.set.setTime} in ${point.set.chain}, data of ${point.set.dataTime}`;
  if (name === 'inspect') return destination?.summary;
  if (name === 'bring' && fetched !== undefined) return `${sizeOf(fetched.bytes)} fetched, decrypted and checked`;
  if ((name === 'load' || name === 'show' || name === 'check') && compared !== undefined)
    return `${compared.objects} objects with ${compared.rows} rows are ${ofCopy ? 'as the safety copy has them' : 'equal to the facts of the set'}`;
  if (name === 'swap' && safetyCopy !== undefined)
    return safetyCopy.kind === 'None'
      ? 'Nothing was there to be set aside'
      : `What was there is set aside: ${safetyCopy.names.join(', ')}`.slice(0, 320);
  return undefined;
};

/** A container that ended without a word has no times: those of its Job, as near as can be. */
const stepOf = (stage: StageJob, container: ContainerName, policy: string, name: StepName): RestoreStep | undefined => {
  const seen = containerOf(stage, container);
  const result = saidBy(stage, container);
  if (result !== undefined) {
    const ofCopy = stage.results.every((each) => each.container.name !== 'bring' && each.container.name !== 'show');
    const message = wordsOf(container, result, ofCopy);
    const cancelled = result.failure?.reason === 'RestoreCancelled';
    return {
      policy,
      name,
      state: result.outcome === 'Succeeded' ? 'Succeeded' : cancelled ? 'Cancelled' : 'Failed',
      startTime: result.startTime,
      completionTime: result.completionTime,
      ...(message !== undefined && { message }),
    };
  }
  if (seen?.ended !== undefined) {
    const how = seen.ended.reason ?? `status ${seen.ended.exitCode}`;
    return { policy, name, state: 'Failed', message: `It ended without a word of its own: ${how}.` };
  }
  if (seen?.runningSince === undefined) return undefined;
  return { policy, name, state: 'Running', startTime: seen.runningSince };
};

/**
 * Whether status says that the workloads of a policy are being stopped: only then is its pod told to go on, so that whoever finds the pod gone
 * knows that it may have been.
 */
export const isStopAnnounced = ({ steps = [] }: RestoreRequestStatus, policyName: string): boolean =>
  steps.some(({ policy, name }) => policy === policyName && name === 'StopWorkloads');

/** When the operator said that the workloads are down; undefined: not yet. */
export const heldSince = (stage: StageJob | undefined): string | undefined => {
  const gate = parseGate(stage?.pod?.gate);
  return gate?.state === 'Held' ? timestamp(new Date(gate.since)) : undefined;
};

const stopStep = (part: Part, before: RestoreStep | undefined): RestoreStep | undefined => {
  const since = containerOf(part.restore, 'swap')?.runningSince ?? before?.startTime;
  const { policy } = part;
  if (since === undefined || policy === undefined) return undefined;
  const held = heldSince(part.restore) ?? before?.completionTime;
  const gate = parseGate(part.restore?.pod?.gate);
  const common = { policy: part.name, name: 'StopWorkloads', startTime: since } as const;
  if (held !== undefined) return { ...common, state: 'Succeeded', completionTime: held };
  if (gate?.state === 'Refused') return { ...common, state: 'Failed', message: gate.message.slice(0, 320) };
  const isOver = part.restore?.job.end !== undefined;
  return { ...common, state: isOver ? 'Cancelled' : 'Running' };
};

interface StepsInput {
  readonly parts: readonly Part[];
  readonly before: readonly RestoreStep[];
  /** Names of the policies whose workloads are still held. */
  readonly held: ReadonlySet<string>;
  readonly now: Date;
}

const startStep = (part: Part, before: RestoreStep | undefined, held: boolean, now: Date): RestoreStep | undefined => {
  const { end } = part.restore?.job ?? {};
  if (end === undefined) return before;
  const startTime = before?.startTime ?? end.time;
  const common = { policy: part.name, name: 'StartWorkloads', startTime } as const;
  if (held) return { ...common, state: 'Running' };
  return before?.completionTime === undefined
    ? { ...common, state: 'Succeeded', completionTime: timestamp(now) }
    : before;
};

const order = [
  'Resolve',
  'Inspect',
  'Fetch',
  'Load',
  'StopWorkloads',
  'Swap',
  'Check',
  'StartWorkloads',
  'Discard',
] as const satisfies readonly StepName[];

/** What was done so far, a policy after the other. What status has stays where the pods that told it are gone. Pure. */
export const nextSteps = ({ parts, before, held, now }: StepsInput): RestoreStep[] =>
  parts.flatMap((part) => {
    const known = (name: StepName): RestoreStep | undefined =>
      before.find((step) => step.policy === part.name && step.name === name);
    const seen = ofContainers.flatMap(([stage, container, name]) => {
      const job = part[stage];
      const step = job === undefined ? undefined : stepOf(job, container, part.name, name);
      return step === undefined ? [] : [step];
    });
    const stop = stopStep(part, known('StopWorkloads'));
    const start = stop === undefined ? undefined : startStep(part, known('StartWorkloads'), held.has(part.name), now);
    const all = [...seen, ...[stop, start].filter((step) => step !== undefined)];
    return order.flatMap((name) => all.find((step) => step.name === name) ?? known(name) ?? []);
  });
