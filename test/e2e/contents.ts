/**
 * What a database holds, asked without any of Holdfast's code: for comparing a source with what came back from the backup host.
 */

/** Runs SQL and gives the rows, tab-separated. */
export type Ask = (sql: string) => Promise<string>;

const tables = ['customers', 'orders', 'invoices', 'order_history'] as const;

const definitions = `
  SELECT 'view', table_name, MD5(view_definition) FROM information_schema.views WHERE table_schema = 'agama'
  UNION ALL SELECT 'trigger', trigger_name, MD5(action_statement) FROM information_schema.triggers WHERE trigger_schema = 'agama'
  UNION ALL SELECT 'routine', routine_name, MD5(routine_definition) FROM information_schema.routines WHERE routine_schema = 'agama'
  UNION ALL SELECT 'event', event_name, MD5(event_definition) FROM information_schema.events WHERE event_schema = 'agama'
  UNION ALL SELECT 'column', CONCAT(table_name, '.', column_name), MD5(CONCAT_WS('|', column_type, is_nullable, column_default, collation_name))
    FROM information_schema.columns WHERE table_schema = 'agama'
  ORDER BY 1, 2`;

/** Rows, checksums and definitions of the database agama. */
export const contentsOf = async (ask: Ask): Promise<Record<string, string>> => {
  const contents: Record<string, string> = { definitions: (await ask(definitions)).trim() };
  for (const table of tables) {
    contents[table] = (await ask(`SELECT COUNT(*) FROM agama.${table}; CHECKSUM TABLE agama.${table} EXTENDED`)).trim();
  }
  return contents;
};
