import { open } from 'node:fs/promises';

/** The mode that mariadb-dump has the rows loaded with; it stands in the first lines. */
const written = "SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */";
/** NO_AUTO_VALUE_ON_ZERO and ALLOW_INVALID_DATES as MariaDB and MySQL number them, which is as short as to fit. */
const allowing = (0x80000 | 0x2000000).toString();
const headerSize = 16 * 1024;

/**
 * Has the dump load impossible dates, such as 31 February, as they are: they would become 0000-00-00, without a word. Changed in place, so
 * that nothing else moves. Gives back whether it could be done.
 */
export const allowInvalidDates = async (path: string): Promise<boolean> => {
  const handle = await open(path, 'r+');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headerSize), 0, headerSize, 0);
    const at = buffer.subarray(0, bytesRead).indexOf(written);
    if (at < 0) return false;
    await handle.write(`SQL_MODE=${allowing} `.padEnd(written.length - 2).concat('*/'), at);
    return true;
  } finally {
    await handle.close();
  }
};
