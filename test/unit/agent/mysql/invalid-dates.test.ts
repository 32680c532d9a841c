import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allowInvalidDates } from '../../../../src/agent/engines/mysql/invalid-dates.ts';

const header = "-- x\n/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\n";

test.each([
  { reason: 'the header of mariadb-dump', text: `${header}rest`, changed: true },
  { reason: 'one without it', text: '-- x\nrest', changed: false },
  { reason: 'not what stands in the rows', text: `${'x'.repeat(20_000)}\n${header}`, changed: false },
])('$reason', async ({ text, changed }) => {
  const directory = await mkdtemp(join(tmpdir(), 'hf-'));
  const path = join(directory, 'dump.sql');
  await writeFile(path, text);
  expect(await allowInvalidDates(path)).toBe(changed);
  const now = await readFile(path, 'utf8');
  expect(now).toHaveLength(text.length);
  expect(now).toBe(
    changed ? text.replace("SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */", 'SQL_MODE=34078720'.padEnd(33).concat('*/')) : text,
  );
  await rm(directory, { recursive: true });
});
