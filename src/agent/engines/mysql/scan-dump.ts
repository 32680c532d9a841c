import { createReadStream } from 'node:fs';
import type { DatabaseObject, ObjectKind } from './objects.ts';
import { unquoted } from './sql.ts';

/** What a dump file holds, by the marks that mariadb-dump writes. */
export interface DumpScan {
  readonly objects: readonly DatabaseObject[];
  /** How many triggers a database has: their names are inside statements that users wrote. */
  readonly triggers: ReadonlyMap<string, number>;
  /** The last line that is not empty. */
  readonly lastLine: string;
}

const newline = 10;
const longestMark = 1024;
const endMark = '-- Dump completed';

/** Whether the last line is the end mark. "Dump completed" can occur in data: only the last line counts. */
export const isComplete = ({ lastLine }: Pick<DumpScan, 'lastLine'>): boolean => lastLine.startsWith(endMark);

const name = '(`(?:[^`]|``)*`)';
const marks: readonly { kind: ObjectKind; pattern: RegExp }[] = [
  { kind: 'table', pattern: new RegExp(`^-- Table structure for table ${name}`) },
  { kind: 'sequence', pattern: new RegExp(`^-- Sequence structure for ${name}`) },
  { kind: 'view', pattern: new RegExp(`^-- Final view structure for view ${name}`) },
  { kind: 'event', pattern: new RegExp(`^/\\*!50106 DROP EVENT IF EXISTS ${name}`, 'i') },
  { kind: 'function', pattern: new RegExp(`^/\\*!50003 DROP FUNCTION IF EXISTS ${name}`, 'i') },
  { kind: 'procedure', pattern: new RegExp(`^/\\*!50003 DROP PROCEDURE IF EXISTS ${name}`, 'i') },
  { kind: 'package', pattern: new RegExp(`^/\\*!50003 DROP PACKAGE IF EXISTS ${name}`, 'i') },
];
const database = new RegExp(`^-- Current Database: ${name}`);
const trigger = /^\/\*!50003 CREATE\*\/ /;

/** Reads a dump from end to end. Only the beginnings of lines are looked at, so size costs little. */
export const scanDump = async (path: string, signal: AbortSignal): Promise<DumpScan> => {
  const objects: DatabaseObject[] = [];
  const triggers = new Map<string, number>();
  let current = '';
  let lastLine = '';
  for await (const start of lineStarts(path, signal)) {
    const text = start.toString('utf8').trimEnd();
    if (text === '') continue;
    lastLine = text;
    if (!text.startsWith('-- ') && !text.startsWith('/*!')) continue;
    const begun = unquotedMatch(database, text);
    if (begun !== undefined) {
      current = begun;
      objects.push({ database: begun, kind: 'database', name: begun });
    }
    if (trigger.test(text)) triggers.set(current, (triggers.get(current) ?? 0) + 1);
    for (const { kind, pattern } of marks) {
      const found = unquotedMatch(pattern, text);
      if (found !== undefined) objects.push({ database: current, kind, name: found });
    }
  }
  return { objects, triggers, lastLine };
};

const key = (object: DatabaseObject): string => JSON.stringify([object.database, object.kind, object.name]);

/** Those of `expected` that the dump does not hold. */
export const missingFrom = (scan: DumpScan, expected: readonly DatabaseObject[]): DatabaseObject[] => {
  const there = new Set(scan.objects.map(key));
  const triggersOf = Map.groupBy(
    expected.filter(({ kind }) => kind === 'trigger'),
    (object) => object.database,
  );
  const tooFew = [...triggersOf].filter(([name, all]) => (scan.triggers.get(name) ?? 0) < all.length);
  return [
    ...expected.filter((object) => object.kind !== 'trigger' && !there.has(key(object))),
    ...tooFew.flatMap(([, all]) => all),
  ];
};

const unquotedMatch = (pattern: RegExp, text: string): string | undefined => {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? undefined : unquoted(found);
};

/** The first bytes of each line. A line that data made long is cut. */
async function* lineStarts(path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) {
    const part = chunk as Buffer;
    let from = 0;
    for (let end = part.indexOf(newline); end !== -1; end = part.indexOf(newline, from)) {
      yield withHeld(held, part, from, end);
      held = Buffer.alloc(0);
      from = end + 1;
    }
    held = Buffer.from(withHeld(held, part, from, part.length));
  }
  if (held.length > 0) yield held;
}

const withHeld = (held: Buffer, part: Buffer, from: number, end: number): Buffer => {
  if (held.length >= longestMark) return held;
  const start = part.subarray(from, Math.min(end, from + longestMark));
  return held.length === 0 ? start : Buffer.concat([held, start]);
};
