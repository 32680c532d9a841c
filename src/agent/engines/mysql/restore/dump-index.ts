import { createReadStream } from 'node:fs';
import { unquoted } from '../sql.ts';
import { createSplitter, type Piece } from './split-statements.ts';

/** Which bytes of a dump hold what: a part of it is loaded by leaving the others out, and nothing in it is ever rewritten by its looks. */

export const sectionKinds = ['sequence', 'table', 'data', 'triggers', 'standIn', 'view', 'events', 'routines'] as const;
export type SectionKind = (typeof sectionKinds)[number];

/** Bytes from `start` up to `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Statements of one kind that stand together. They begin and end with the delimiter `;`. */
export interface Section extends Range {
  readonly kind: SectionKind;
  readonly database: string;
}

export interface DumpIndex {
  /** What the session is set to before anything is loaded. */
  readonly prologue: Range;
  /** With what CREATE DATABASE says after the name. */
  readonly databases: readonly { readonly name: string; readonly options: string }[];
  readonly sections: readonly Section[];
}

const marks: readonly { readonly kind: SectionKind | 'database'; readonly pattern: RegExp }[] = [
  { kind: 'database', pattern: /^-- Current Database: / },
  { kind: 'sequence', pattern: /^-- Sequence structure for / },
  { kind: 'table', pattern: /^-- Table structure for table / },
  { kind: 'data', pattern: /^-- Dumping data for table / },
  { kind: 'standIn', pattern: /^-- Temporary (?:table|view) structure for view / },
  { kind: 'view', pattern: /^-- Final view structure for view / },
  { kind: 'events', pattern: /^-- Dumping events for database / },
  { kind: 'routines', pattern: /^-- Dumping routines for database / },
];

const name = '(`(?:[^`]|``)*`)';
const creation = new RegExp(`^CREATE DATABASE (?:/\\*!\\d+ IF NOT EXISTS\\*/ )?${name}([\\s\\S]*);\\s*$`);
const use = new RegExp(`^USE ${name}`);
/** What a trigger begins with, behind the rows of its table: the settings of its time. */
const programs = /^(?:\/\*!50003 |ALTER DATABASE )/;
/** The end of the dump puts the session back. */
const epilogue = /^\/\*M?!\d+ SET \w+\s*=\s*@OLD_/;

/** Reads a dump from end to end. */
export const indexDump = async (path: string, signal: AbortSignal): Promise<DumpIndex> => {
  const found = createIndex();
  const splitter = createSplitter();
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) {
    for (const piece of splitter.push(chunk as Buffer)) found.add(piece);
  }
  for (const piece of splitter.end()) found.add(piece);
  return found.index();
};

const createIndex = () => {
  const databases: { name: string; options: string }[] = [];
  const sections: Section[] = [];
  let database = '';
  let prologueEnd: number | undefined;
  let open: { kind: SectionKind | undefined; start: number } = { kind: undefined, start: 0 };
  let over = false;
  let lastEnd = 0;
  const next = (kind: SectionKind | undefined, at: number): void => {
    if (open.kind !== undefined && at > open.start) {
      sections.push({ kind: open.kind, database, start: open.start, end: at });
    }
    open = { kind, start: at };
  };
  return {
    add({ kind, start, end, head }: Piece): void {
      if (kind === 'Comment') {
        const mark = marks.find(({ pattern }) => pattern.test(head));
        if (mark === undefined) return;
        prologueEnd ??= start;
        next(mark.kind === 'database' ? undefined : mark.kind, start);
        over = false;
        return;
      }
      if (prologueEnd === undefined || over) return;
      if (epilogue.test(head)) {
        next(undefined, start);
        over = true;
        return;
      }
      if (open.kind === undefined) {
        const used = use.exec(head)?.[1];
        if (used !== undefined) database = unquoted(used);
        const [, created, options = ''] = creation.exec(head) ?? [];
        if (created !== undefined) databases.push({ name: unquoted(created), options: options.trim() });
        return;
      }
      if ((open.kind === 'table' || open.kind === 'data') && programs.test(head)) next('triggers', start);
      lastEnd = end;
    },
    index(): DumpIndex {
      next(undefined, lastEnd);
      return { prologue: { start: 0, end: prologueEnd ?? 0 }, databases, sections };
    },
  };
};
