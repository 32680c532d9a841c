import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { identifier, unquoted } from '../sql.ts';
import type { DumpIndex, Range, Section, SectionKind } from './dump-index.ts';
import { requalified } from './requalify.ts';
import { createSplitter } from './split-statements.ts';

/** Where the databases of a dump go: by the name that each has in the dump. */
export type Names = ReadonlyMap<string, string>;

/** A dump and where it is. */
export interface Dump {
  readonly file: string;
  readonly index: DumpIndex;
}

/** Of one database, or of all, the sections of these kinds; of several kinds in the order of `kinds`. */
export interface Part {
  readonly database?: string;
  readonly kinds: readonly SectionKind[];
}

/** The bytes of a part of a dump, with the session set as for the whole, each database under the name that it has in `names`. */
export async function* compose(dump: Dump, parts: readonly Part[], names: Names): AsyncGenerator<Buffer> {
  yield* bytesOf(dump.file, dump.index.prologue);
  for (const part of parts) {
    for (const { database, sections } of runsOf(sectionsOf(dump.index, part))) {
      yield Buffer.from(`\nUSE ${identifier(names.get(database) ?? database)};\n`);
      for (const section of sections) yield* sectionBytes(dump.file, section, names);
      yield Buffer.from('\n');
    }
  }
}

/** Rows and definitions of tables alternate in a dump: sections keep the order that they have there. */
const sectionsOf = ({ sections }: DumpIndex, { database, kinds }: Part): Section[] =>
  sections.filter(
    (section) => kinds.includes(section.kind) && (database === undefined || section.database === database),
  );

const runsOf = (sections: readonly Section[]): { database: string; sections: Section[] }[] => {
  const runs: { database: string; sections: Section[] }[] = [];
  for (const section of sections) {
    const last = runs.at(-1);
    if (last?.database === section.database) last.sections.push(section);
    else runs.push({ database: section.database, sections: [section] });
  }
  return runs;
};

const ofTables: readonly SectionKind[] = ['table', 'sequence'];

async function* sectionBytes(file: string, section: Section, names: Names): AsyncGenerator<Buffer> {
  const moves = (names.get(section.database) ?? section.database) !== section.database;
  if (section.kind === 'data' || (!moves && !ofTables.includes(section.kind))) {
    yield* bytesOf(file, section);
    return;
  }
  if (!ofTables.includes(section.kind)) {
    yield* programBytes(await readRange(file, section), names);
    return;
  }
  // Definitions are UTF-8 whatever the tables hold; what is not stays as it is.
  const bytes = await readRange(file, section);
  const text = bytes.toString('utf8');
  const moved = requalified(text, names);
  yield moved === text ? bytes : Buffer.from(moved);
}

const alteration = /^ALTER DATABASE (`(?:[^`]|``)*`)/;

/** Around a routine that was made under another character set, a dump changes that of its database, by its name. */
function* programBytes(bytes: Buffer, names: Names): Generator<Buffer> {
  const splitter = createSplitter();
  let written = 0;
  for (const { start, head } of [...splitter.push(bytes), ...splitter.end()]) {
    const [statement, database] = alteration.exec(head) ?? [];
    const other = database === undefined ? undefined : names.get(unquoted(database));
    if (statement === undefined || other === undefined) continue;
    yield bytes.subarray(written, start);
    yield Buffer.from(`ALTER DATABASE ${identifier(other)}`);
    written = start + Buffer.byteLength(statement);
  }
  yield bytes.subarray(written);
}

/** The definitions of tables in a dump, as text. */
export async function* definitionsIn({ file, index }: Dump): AsyncGenerator<Section & { readonly text: string }> {
  for (const section of index.sections) {
    if (section.kind === 'table') yield { ...section, text: (await readRange(file, section)).toString('utf8') };
  }
}

/** The text of a section whose bytes are in any character set that has ASCII in it. */
export const readRange = async (file: string, { start, end }: Range): Promise<Buffer> => {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(end - start), 0, end - start, start);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
};

async function* bytesOf(file: string, { start, end }: Range): AsyncGenerator<Buffer> {
  if (end <= start) return;
  for await (const chunk of createReadStream(file, { start, end: end - 1, highWaterMark: 1 << 20 }))
    yield chunk as Buffer;
}
