import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunContext } from '../../../run.ts';
import { serverError, type Connection } from '../connect.ts';
import { dumpSession, loadFile } from '../load.ts';
import { judgeDump, mariadbDump } from '../run-dump.ts';
import { identifier } from '../sql.ts';
import { clientSession } from './fence.ts';
import type { Present } from './present.ts';

/**
 * Triggers, routines and events as mariadb-dump writes them: as text that comes back the same, with its modes, character sets, definers and order.
 * Views are not among them: mariadb-dump fails on one that a lost table has broken, which is when a restore is asked for.
 */
export const savePrograms = async (
  context: RunContext,
  optionFile: string,
  present: readonly Present[],
): Promise<Buffer> => {
  if (present.length === 0) return Buffer.alloc(0);
  return dumpDefinitions(context, optionFile, present, [
    '--no-create-info',
    '--routines',
    '--triggers',
    '--events',
    ...present.flatMap(({ name, views }) => views.map((view) => `--ignore-table=${name}.${view}`)),
  ]);
};

/** Views that lead to something that is gone: no server makes them again, and mariadb-dump fails on them as this does. */
export const brokenViews = async (connection: Connection, { name, views }: Present): Promise<string[]> => {
  const broken: string[] = [];
  for (const view of views) {
    try {
      await connection.query(`SHOW FIELDS FROM ${identifier(name)}.${identifier(view)}`);
    } catch (error) {
      if (serverError(error) === undefined) throw error;
      broken.push(view);
    }
  }
  return broken;
};

/**
 * The views that work, as mariadb-dump writes them: in the order in which they need each other, and with the character set that each was made
 * under.
 * @param broken by database
 */
export const saveViews = async (
  context: RunContext,
  optionFile: string,
  present: readonly Present[],
  broken: ReadonlyMap<string, readonly string[]>,
): Promise<Buffer> => {
  const left = ({ name, tables, views }: Present): string[] => {
    const without = broken.get(name) ?? [];
    return [...tables, ...views.filter((view) => without.includes(view))];
  };
  const some = present.filter((each) => each.views.length > (broken.get(each.name) ?? []).length);
  if (some.length === 0) return Buffer.alloc(0);
  const ignored = some.flatMap((each) => left(each).map((table) => `--ignore-table=${each.name}.${table}`));
  return dumpDefinitions(context, optionFile, some, ['--skip-triggers', ...ignored]);
};

const dumpDefinitions = async (
  context: RunContext,
  optionFile: string,
  databases: readonly Pick<Present, 'name'>[],
  options: readonly string[],
): Promise<Buffer> => {
  const path = join(context.task.scratch, 'programs.sql');
  await rm(path, { force: true });
  const handle = await open(path, 'wx', 0o600);
  try {
    const args = [
      '--single-transaction',
      '--no-data',
      '--no-create-db',
      '--skip-dump-date',
      '--skip-add-locks',
      '--max-allowed-packet=1G',
      '--default-character-set=utf8mb4',
      ...options,
      '--databases',
      '--',
      ...databases.map(({ name }) => name),
    ];
    judgeDump(await mariadbDump(context, { optionFile, args, stdout: { fd: handle.fd } }));
    return await readFile(path);
  } finally {
    await handle.close();
    await rm(path, { force: true });
  }
};

/** Makes again what savePrograms or saveViews wrote. */
export const loadPrograms = async (context: RunContext, optionFile: string, text: Buffer): Promise<void> => {
  if (text.length === 0) return;
  const path = join(context.task.scratch, 'programs.sql');
  await writeFile(path, text, { mode: 0o600 });
  try {
    await loadFile(context, {
      target: { optionFile, protocol: 'TCP' },
      file: path,
      session: [...dumpSession, clientSession],
    });
  } finally {
    await rm(path, { force: true });
  }
};

/** The views as statements, for a person: they are put back by their name, not by this. */
export const viewsAsText = async (connection: Connection, present: readonly Present[]): Promise<Buffer> => {
  const lines: string[] = [];
  for (const { name, views } of present) {
    if (views.length > 0) lines.push(`USE ${identifier(name)};`);
    for (const view of views) {
      const [row]: Record<string, string>[] = await connection.query(
        `SHOW CREATE VIEW ${identifier(name)}.${identifier(view)}`,
      );
      lines.push(`${Object.values(row ?? {})[1] ?? ''};`);
    }
  }
  return Buffer.from(lines.length === 0 ? '' : `${lines.join('\n')}\n`);
};

/** Drops every event, trigger and routine of a database. Events first: none may run on what is half there. */
export const dropPrograms = async (
  connection: Connection,
  { name, events, triggers, routines }: Pick<Present, 'name' | 'events' | 'triggers' | 'routines'>,
): Promise<void> => {
  const drop = (kind: string, what: string): Promise<unknown> =>
    connection.query(`DROP ${kind} IF EXISTS ${identifier(name)}.${identifier(what)}`);
  for (const event of events) await drop('EVENT', event);
  for (const trigger of triggers) await drop('TRIGGER', trigger);
  for (const routine of routines) {
    const kind = routineKind(routine.type);
    // The server knows the word in this mode alone.
    if (kind.startsWith('PACKAGE')) await connection.query("SET SESSION sql_mode = 'ORACLE'");
    await drop(kind, routine.name);
    if (kind.startsWith('PACKAGE')) await connection.query("SET SESSION sql_mode = ''");
  }
};

const routineKind = (type: string): string => {
  if (!/^[A-Z ]+$/.test(type)) throw new Error(`a routine of type ${type} is not known`);
  return type;
};
