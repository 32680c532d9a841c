import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { gateAnnotation, parseGate } from '../../src/api/v1alpha1/gate.ts';
import type { ContainerName } from '../../src/api/v1alpha1/result.ts';
import { isAlreadyExists } from '../../src/kube/errors.ts';
import { isRecord, type KubeObject, type Wire } from '../../src/kube/types.ts';
import { resources } from '../../src/policy/resources.ts';
import { restoreStageLabel } from '../../src/workloads/labels.ts';
import { containerStateOf } from '../support/operator/play-restore.ts';
import { confirmationManifest, goodPlan, goodRestore, type Said } from '../support/operator/restores.ts';
import type { Stage } from './stage.ts';

/*
 * Who acts around a restore besides the operator: kubelet and agent in its pods, and the person who confirms. The controllers of Jobs, of
 * Deployments and of garbage are Kubernetes' own.
 */

/** How far the pods that restore come by themselves: what comes after is for the scenario to say. */
export type Reach = 'load' | 'swap' | 'end';

/** What each container says when all goes well. */
const good: readonly Said[] = [
  ...goodPlan(),
  ...goodRestore,
  { container: 'show', restore: { compared: { objects: 12, rows: 1000, factsDigest: 'c'.repeat(64) } } },
  { container: 'keep' },
  { container: 'discard' },
];

/** A container takes so long: the operator sees each of them run. */
const stepMs = 1000;

const containersOf = ({ spec }: Wire<V1Pod>): V1Container[] => [
  ...(spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy !== 'Always'),
  ...(spec?.containers ?? []),
];

const saidBy = (name: string): Said => good.find(({ container }) => container === name) ?? { container: 'load' };

const secondsOf = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, 'Z');

/** Writes what kubelet writes of a pod whose containers have come to this; the last one is its main container. */
export const writePod = async (
  stage: Stage,
  pod: KubeObject,
  said: readonly Said[],
  phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed',
): Promise<void> => {
  const main = containersOf(pod as Wire<V1Pod>).at(-1)?.name;
  const at = secondsOf(new Date());
  const states = said.map((each) => [each.container, containerStateOf(each, at)] as const);
  const status = {
    phase,
    initContainerStatuses: states.filter(([name]) => name !== main).map(([, state]) => state),
    containerStatuses: states.filter(([name]) => name === main).map(([, state]) => state),
  };
  await stage.patch(resources.pod, pod.metadata.name, { status }, 'status');
};

const runUntil = (names: readonly string[], name: ContainerName): Said[] => [
  ...names.slice(0, names.indexOf(name)).map(saidBy),
  { container: name, running: true },
];

/** The container that runs, and since when. */
const runningOf = ({ status }: Wire<V1Pod>): { name: string; sinceMs: number } | undefined => {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const found = all.find(({ state }) => state?.running !== undefined);
  return found && { name: found.name, sinceMs: Date.parse(String(found.state?.running?.startedAt)) };
};

/** Whether a pod was told that it may replace the data. */
const isGateHeld = ({ metadata }: KubeObject): boolean =>
  parseGate(metadata.annotations?.[gateAnnotation])?.state === 'Held';

/** A pod that restores goes one container further, if it may. */
const goOn = async (stage: Stage, raw: KubeObject, reach: Reach): Promise<void> => {
  const pod = raw as Wire<V1Pod>;
  const names = containersOf(pod).map(({ name }) => name);
  const run = (name: ContainerName): Promise<void> =>
    writePod(stage, raw, runUntil(names, name), name === names.at(-1) ? 'Running' : 'Pending');
  const running = runningOf(pod);
  if (running === undefined) return run(names.includes('load') ? 'load' : 'keep');
  const { name, sinceMs } = running;
  if (name === reach || Date.now() - sinceMs < stepMs) return;
  if (name === 'load' && names.includes('swap')) return run('swap');
  if (name === 'swap') return isGateHeld(raw) ? run('check') : undefined;
  await writePod(stage, raw, names.map(saidBy), 'Succeeded');
};

const isOver = ({ status }: Wire<V1Pod>): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

const playPod = async (stage: Stage, pod: KubeObject, reach: Reach): Promise<void> => {
  if (isOver(pod as Wire<V1Pod>) || pod.metadata.deletionTimestamp !== undefined) return;
  const does = pod.metadata.labels?.[restoreStageLabel];
  if (does === 'restore') return goOn(stage, pod, reach);
  const said = containersOf(pod as Wire<V1Pod>).map(({ name }) => saidBy(name));
  if (does !== undefined) await writePod(stage, pod, said, 'Succeeded');
};

/** Who asks and who confirms. */
export const person = 'alice';

const confirm = async (stage: Stage, { metadata, status }: KubeObject): Promise<void> => {
  const { phase, plan } = isRecord(status) ? status : {};
  if (phase !== 'AwaitingConfirmation' || !isRecord(plan)) return;
  const { name, uid = '' } = metadata;
  const { namespace } = stage;
  const manifest = confirmationManifest(
    { name, uid, namespace },
    { planHash: String(plan['hash']), confirmedBy: person },
  );
  await stage.create(resources.restoreConfirmation, manifest).catch((error: unknown) => {
    if (!isAlreadyExists(error)) throw error;
  });
};

/** What acts around restores, as far as told. */
export const worldOf =
  (reach: Reach) =>
  async (stage: Stage): Promise<void> => {
    for (const request of await stage.list(resources.restoreRequest)) await confirm(stage, request);
    for (const pod of await stage.list(resources.pod)) await playPod(stage, pod, reach);
  };
