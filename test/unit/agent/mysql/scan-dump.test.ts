import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isComplete, missingFrom, scanDump } from '../../../../src/agent/engines/mysql/scan-dump.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hf-'));
});
afterEach(() => rm(directory, { recursive: true }));

const scan = async (content: string) => {
  const path = join(directory, 'dump.sql');
  await writeFile(path, content);
  return scanDump(path, new AbortController().signal);
};

test.each([
  { content: 'x\n-- Dump completed\n', complete: true, reason: 'the last line' },
  { content: 'x\n-- Dump completed on 2026-11-22\n\n\n', complete: true, reason: 'empty lines after it' },
  { content: '-- Dump completed', complete: true, reason: 'no line break' },
  { content: '', complete: false, reason: 'an empty file' },
  { content: '-- Dump completed\nINSERT', complete: false, reason: 'something after it' },
  { content: 'x -- Dump completed\n', complete: false, reason: 'not at the beginning of the line' },
  { content: '-- Dump complet', complete: false, reason: 'cut' },
  { content: `INSERT '${'x'.repeat(3_000_000)}\n-- Dump completed\n`, complete: true, reason: 'after a long line' },
  { content: `${'x'.repeat(3_000_000)}-- Dump completed`, complete: false, reason: 'at the end of a long line' },
])('end mark: $reason', async ({ content, complete }) => {
  expect(isComplete(await scan(content))).toBe(complete);
});

test('objects are found by database, also where reads meet', async () => {
  const filler = `INSERT INTO t VALUES ('${'x'.repeat((1 << 20) - 100)}');\n`;
  const found = await scan(
    [
      '-- Current Database: `a`',
      '-- Table structure for table `t ``1`',
      `${filler}-- Sequence structure for \`s\``,
      '-- Final view structure for view `v`',
      '/*!50106 DROP EVENT IF EXISTS `e` */;',
      '/*!50003 DROP FUNCTION IF EXISTS `f` */;',
      '/*!50003 DROP PROCEDURE IF EXISTS `p` */;',
      '/*!50003 CREATE*/ /*!50017 DEFINER=`r`@`%`*/ /*!50003 TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET @a = 1 */;;',
      '-- Current Database: `b`',
      '-- Table structure for table `t`',
      '-- Dump completed',
    ].join('\n'),
  );
  expect(found.objects).toEqual([
    { database: 'a', kind: 'database', name: 'a' },
    { database: 'a', kind: 'table', name: 't `1' },
    { database: 'a', kind: 'sequence', name: 's' },
    { database: 'a', kind: 'view', name: 'v' },
    { database: 'a', kind: 'event', name: 'e' },
    { database: 'a', kind: 'function', name: 'f' },
    { database: 'a', kind: 'procedure', name: 'p' },
    { database: 'b', kind: 'database', name: 'b' },
    { database: 'b', kind: 'table', name: 't' },
  ]);
  expect([...found.triggers]).toEqual([['a', 1]]);
  const expected = [
    { database: 'b', kind: 'table', name: 't' },
    { database: 'b', kind: 'table', name: 't `1' },
    { database: 'a', kind: 'trigger', name: 'x' },
    { database: 'b', kind: 'trigger', name: 'x' },
    { database: 'b', kind: 'database', name: 'b' },
    { database: 'c', kind: 'database', name: 'c' },
  ] as const;
  expect(missingFrom(found, expected)).toEqual([expected[1], expected[5], expected[3]]);
});
