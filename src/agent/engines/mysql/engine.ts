import { join } from 'node:path';
import type { MysqlTask } from '../../../api/v1alpha1/sources/mysql.ts';
import type { Engine } from '../../dump/engine.ts';
import { checkDump, inBoth } from './check-dump.ts';
import { withConnection } from './connect.ts';
import { databasesOf } from './databases.ts';
import { dumpAndCollect } from './dump-and-collect.ts';
import { reportGaps } from './gaps.ts';
import { dumpFile } from './layout.ts';
import { lookAround } from './look-around.ts';
import { listObjects } from './objects.ts';
import { readAccount } from './prepare.ts';

/** Dumps databases of a MySQL or MariaDB server with mariadb-dump, and takes the facts of the same snapshot. */
export const createMysqlEngine = (source: MysqlTask): Engine => ({
  async dump(context, directory) {
    const { signal, step } = context;
    const account = await step('Prepare', () => readAccount(context, source));
    const seen = await step('Connect', () =>
      withConnection(account, signal, (connection) =>
        lookAround(connection, source, { username: account.username, still: context.task.quiesce?.by === 'ReadOnly' }),
      ),
    );
    const dumped = await step('Dump', () => dumpAndCollect(context, { account, directory, seen }));
    const after = await step('Check', () =>
      withConnection(account, signal, async (connection) => {
        const there = new Set(await databasesOf(connection, source));
        const objects = await listObjects(
          connection,
          seen.databases.filter((name) => there.has(name)),
        );
        await checkDump(join(directory, dumpFile), inBoth(seen.objects, objects), signal);
        return there;
      }),
    );
    const madeMeanwhile = [...after].filter((name) => !seen.databases.includes(name));
    const gaps = [
      ...seen.gaps,
      ...dumped.gaps,
      ...madeMeanwhile.map((what) => ({ kind: 'NewDatabases', what }) as const),
    ];
    const { gaps: _found, ...made } = dumped;
    return { ...made, notCovered: reportGaps(context, gaps) };
  },
});
