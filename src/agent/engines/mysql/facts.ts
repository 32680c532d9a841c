import { z } from 'zod';
import { sha256, time } from '../../../api/v1alpha1/primitives.ts';

/**
 * facts.json: what the source held at the moment of the dump. Verification and restore take the same facts from the restored server and
 * compare. Lists are sorted by name and keys are sorted, so that equal facts are equal bytes.
 */

const named = z.object({ name: z.string(), digest: sha256.describe('SHA-256 of its definition.') });

const counter = z.object({
  next: z
    .object({ from: z.string(), to: z.string() })
    .describe(
      'What is given out next: it moves outside of snapshots, so before the dump and after it, the lower first.',
    ),
});
const unknownCounter = z.object({ unknown: z.string().describe('Why the counter is not known.') });
export type CounterFacts = z.output<typeof counter> | z.output<typeof unknownCounter>;

const content = z.union([
  z.object({
    rows: z.int().min(0).describe('Exact number of rows, history included.'),
    checksum: z.string().describe('Checksum of all rows, whatever their order; see content-query.ts.'),
  }),
  counter.describe('Of a sequence, which holds nothing else.'),
  z.object({ unknown: z.string().describe('Why the content is not known.') }),
]);
export type ContentFacts = z.output<typeof content>;

const table = z.object({
  name: z.string(),
  kind: z.enum(['Table', 'SystemVersioned', 'Sequence']),
  engine: z.string(),
  schema: sha256.describe('SHA-256 of SHOW CREATE TABLE without the AUTO_INCREMENT counter.'),
  content,
  autoIncrement: z.union([counter, unknownCounter]).describe('Of a table that has one.').optional(),
});
export type TableFacts = z.output<typeof table>;

const database = z.object({
  name: z.string(),
  characterSet: z.string(),
  collation: z.string(),
  tables: z.array(table),
  views: z.array(named),
  triggers: z.array(named),
  routines: z.array(named.extend({ type: z.string() })),
  events: z.array(named),
});
export type DatabaseFacts = z.output<typeof database>;

const account = z.object({
  user: z.string(),
  host: z.string().describe('Empty for a role.'),
  role: z.boolean(),
  grants: sha256.describe('SHA-256 of SHOW GRANTS, without passwords and their hashes.'),
});
export type AccountFacts = z.output<typeof account>;

const accounts = z.union([
  z.array(account),
  z.object({ unknown: z.string().describe('Why the accounts in the backup are not known.') }),
]);
export type AccountsFacts = z.output<typeof accounts>;

export const mysqlFacts = z.object({
  version: z.literal(1),
  engine: z.literal('mysql'),
  dataTime: time,
  server: z.object({
    flavour: z.enum(['MariaDB', 'MySQL']),
    version: z.string().describe('As the server calls itself: the scratch server of a verification has the same.'),
    lowerCaseTableNames: z.int(),
    characterSet: z.string(),
    collation: z.string(),
  }),
  databases: z.array(database),
  accounts: accounts.describe('The accounts of the server; missing when they were not asked for.').optional(),
  notCovered: z
    .array(z.string())
    .describe(
      'What the source held and the backup does not, or not surely of the same moment; missing when nothing is known of.',
    )
    .optional(),
  unknown: z
    .string()
    .describe('Why the facts are not a witness: they are not from the snapshot of the dump.')
    .optional(),
});
export type MysqlFacts = z.output<typeof mysqlFacts>;

/** What there is in the tables, by exact counts; nothing where one is not known. */
export const holdingOf = ({
  databases,
  unknown,
}: Pick<MysqlFacts, 'databases' | 'unknown'>): { rows?: number; holding?: string[] } => {
  if (unknown !== undefined) return {};
  const tables = databases.flatMap(({ name, tables: all }) =>
    all
      .filter(({ kind }) => kind !== 'Sequence')
      .map((each) => ({ name: `${name}.${each.name}`, rows: 'rows' in each.content ? each.content.rows : undefined })),
  );
  const holding = tables.filter(({ rows }) => rows !== 0).map(({ name }) => name);
  if (tables.some(({ rows }) => rows === undefined)) return { holding };
  return { rows: tables.reduce((sum, { rows }) => sum + (rows ?? 0), 0), holding };
};
