import type { Cluster } from '../cluster/cluster.ts';
import type { Progress } from '../cluster/progress.ts';
import { runSql } from '../scenario/database.ts';
import { agama } from '../scenario/policy.ts';
import { givePeopleRights } from '../scenario/people.ts';
import { createRestoring } from '../scenario/restoring.ts';

const rows = async ({ kubectl }: Cluster): Promise<string> =>
  (await runSql(kubectl, agama.namespace, 'SELECT COUNT(*) FROM agama.invoices')).trim();

/** The last act: a table is dropped; alice asks for it, bob reads the plan and confirms, and it is back. Gives what was seen, in words. */
export const playRestore = async (
  cluster: Cluster,
  progress: Progress,
  show: (command: readonly string[]) => Promise<void>,
): Promise<string> => {
  const { kubectl } = cluster;
  const request = `invoices-lost-${Date.now().toString(36)}`;
  const restoring = createRestoring(cluster, agama, request);
  const before = await rows(cluster);
  await progress.task('The table agama.invoices is dropped, and alice asks for it', async () => {
    await givePeopleRights(cluster, agama.namespace);
    await runSql(kubectl, agama.namespace, 'SET foreign_key_checks = 0; DROP TABLE agama.invoices');
    await restoring.ask({ reason: 'Deleted', evidence: 'SELECT … FROM agama.invoices fails: no such table' });
    await restoring.phase('AwaitingConfirmation', 180);
  });
  await show(['describe', 'restorerequest', request, '--namespace', agama.namespace]);
  const done = await progress.task('bob has read the plan, and confirms it', async (detail) => {
    await restoring.confirm('bob');
    return restoring.phase('Completed', 300, ({ phase = '' }) => detail(phase));
  });
  const after = await rows(cluster);
  if (after !== before) throw new Error(`agama.invoices had ${before} rows, and has ${after} after the restore.`);
  await show(['get', 'restorerequests', '--namespace', agama.namespace]);
  return `  ${done.message ?? ''}`;
};
