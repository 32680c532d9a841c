import type { KubeClient } from '../../../src/kube/client.ts';
import { listAll } from '../../../src/kube/list.ts';
import { isRecord, keyOf, type KubeObject, type ResourceType } from '../../../src/kube/types.ts';
import { resources } from '../../../src/policy/resources.ts';
import { cronJobName } from '../../../src/workloads/names.ts';
import { tellsOf } from './people.ts';

const pageSize = 500;
const fields = { LocalCopy: 'localCopy', Full: 'full', Incremental: 'incremental' } as const;

/** What a policy and its CronJobs must agree on: `<cron line> <time zone> <suspended>` by the name of the CronJob. */
type Lines = Readonly<Record<string, string>>;

const record = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {});

const lineOf = (schedule: unknown, timeZone: unknown, suspend: unknown): string =>
  `${String(schedule)} ${String(timeZone)} ${suspend === true ? 'suspended' : 'active'}`;

/** What the spec of a policy asks for. */
export const wantedLines = ({ metadata, spec }: KubeObject): Lines => {
  const { schedule: given, suspend } = record(spec);
  const schedule = record(given);
  return Object.fromEntries(
    (['LocalCopy', 'Full', 'Incremental'] as const)
      .filter((kind) => schedule[fields[kind]] !== undefined)
      .map((kind) => [cronJobName(metadata.name, kind), lineOf(schedule[fields[kind]], schedule['timeZone'], suspend)]),
  );
};

/** Why a policy has not settled; undefined when it has. `found` is what its CronJobs say, `run` the last that it should tell of. */
export const whyNotSettled = (policy: KubeObject, found: Lines, run: string | undefined): string | undefined => {
  const key = keyOf(policy.metadata);
  const { conditions, observedGeneration } = record(policy['status']);
  const ready = (Array.isArray(conditions) ? conditions : []).map(record).find(({ type }) => type === 'Ready');
  if (observedGeneration !== policy.metadata.generation) return `${key}: its newest spec was not looked at`;
  if (ready?.['status'] !== 'True') return `${key}: not Ready: ${String(ready?.['message'])}`;
  if (run !== undefined && !tellsOf(policy['status'], run)) return `${key}: its status does not tell of ${run}`;
  const wanted = wantedLines(policy);
  const wrong = [...new Set([...Object.keys(wanted), ...Object.keys(found)])].find((n) => wanted[n] !== found[n]);
  if (wrong === undefined) return undefined;
  return `${key}: CronJob ${wrong} is '${found[wrong] ?? 'absent'}', and should be '${wanted[wrong] ?? 'absent'}'`;
};

/** Looks at every policy and every CronJob in the API server, and says for each policy that has not settled why. */
export const findUnsettled = async (
  client: KubeClient,
  runs: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<string[]> => {
  const list = async <T>(type: ResourceType, keep: (raw: KubeObject) => T): Promise<readonly T[]> =>
    (await listAll({ client, type, pageSize, keep, signal })).items;
  const cronJobs = await list(resources.cronJob, ({ metadata, spec }) => {
    const { schedule, timeZone, suspend } = record(spec);
    const owner = metadata.ownerReferences?.find(({ kind }) => kind === resources.policy.kind)?.uid;
    return { owner, name: metadata.name, line: lineOf(schedule, timeZone, suspend) };
  });
  const byOwner = new Map<string, Record<string, string>>();
  for (const { owner = '', name, line } of cronJobs) byOwner.set(owner, { ...byOwner.get(owner), [name]: line });
  const strangers = Object.keys(byOwner.get('') ?? {}).map((name) => `CronJob ${name} belongs to no policy`);
  const wrong = await list(resources.policy, (policy) =>
    whyNotSettled(policy, byOwner.get(policy.metadata.uid ?? '') ?? {}, runs.get(keyOf(policy.metadata))),
  );
  return [...strangers, ...wrong.filter((why) => why !== undefined)];
};
