/** Engines whose tables are moved between databases whole, by their names alone. */
const engines = new Set(['INNODB', 'MYISAM', 'ARIA', 'MEMORY', 'CSV', 'ARCHIVE']);

export const isMovable = (engine: string): boolean => engines.has(engine.toUpperCase());
