import { backupStatistics, collectionStatus, objections, parseLog } from '../../../../src/agent/ship/duplicity-log.ts';

// As duplicity 3.2.1 wrote it to --log-fd.
const backup = `NOTICE 1
. Last full backup date: none

NOTICE 1
. DEBUG: to_partial called for b'duplicity-full.20261122T163251Z.manifest.part'

NOTICE 1

NOTICE 1
. --------------[ Backup Statistics ]--------------
. StartTime 1795365172.17 (Sun Nov 22 16:32:52 2026)
. EndTime 1795365172.19 (Sun Nov 22 16:32:52 2026)
. ElapsedTime 0.02 (0.02 seconds)
. SourceFiles 2
. SourceFileSize 409360 (400 KB)
. NewFiles 2
. RawDeltaSize 405264 (396 KB)
. TotalDestinationSizeChange 309059 (302 KB)
. Errors 0
. -------------------------------------------------
. 

NOTICE 1
. Duplicity backup complete.

`;

const status = `INFO 3 
backend BackendWrapper
archive-dir (. dir)
chain-complete
 full 20261122T163251Z 12 noenc
 inc 20261122T163544Z 1 noenc
orphaned-sets-num 0
incomplete-sets-num 0
. Collection Status
. -----------------

`;

const failed = `ERROR 50 put
. Giving up after 1 attempts. BackendException: Error running 'rsync -e 'ssh -p 22022' --timeout=60 /tmp/x root@127.0.0.1:/srv/x': returned 11, with output:
. 
. rsync: [receiver] write failed on "/srv/x": No space left on device (28)
. 

NOTICE 1
. Duplicity backup complete.

`;

test('the statistics of a backup are read', () => {
  expect(backupStatistics(parseLog(backup))).toEqual({
    sourceFiles: 2,
    rawDeltaSize: 405264,
    totalDestinationSizeChange: 309059,
    errors: 0,
  });
});

test.each([
  { reason: 'no statistics', text: failed },
  { reason: 'a number is missing', text: backup.replace('. Errors 0\n', '') },
  { reason: 'a number is null', text: backup.replace('Change 309059', 'Change null') },
  { reason: 'nothing', text: '' },
])('no statistics: $reason', ({ text }) => {
  expect(backupStatistics(parseLog(text))).toBeUndefined();
});

test('the state of the chain is read', () => {
  expect(collectionStatus(parseLog(status))).toEqual({
    complete: true,
    sets: [
      { type: 'full', time: '20261122T163251Z', volumes: 12 },
      { type: 'inc', time: '20261122T163544Z', volumes: 1 },
    ],
    orphaned: 0,
    incomplete: 0,
  });
});

test('a count that is missing is no zero', () => {
  const { orphaned } = collectionStatus(parseLog(status.replace('orphaned-sets-num 0\n', ''))) ?? {};
  expect(orphaned).toBeNaN();
});

describe('objections', () => {
  test.each([
    { reason: 'a good run', text: backup, count: 0 },
    { reason: 'an error', text: failed, count: 1 },
    {
      reason: 'a file that could not be read',
      text: 'WARNING 10\n. Error accessing possibly locked file /x\n\n',
      count: 1,
    },
    { reason: 'an orphaned set', text: 'WARNING 6\n. Warning, found the following orphaned backup file\n\n', count: 1 },
    { reason: 'an unknown warning', text: 'WARNING 1\n. File volume was corrupted.\n\n', count: 1 },
    {
      reason: 'an attempt that was made again',
      text: 'WARNING 1\n. Attempt of put Nr. 1 failed. BackendException: x\n\n',
      count: 0,
    },
  ])('$reason: $count', ({ text, count }) => {
    expect(objections(parseLog(text))).toHaveLength(count);
  });
});

test('text that looks like a control line stays text', () => {
  expect(parseLog('NOTICE 1\n. ERROR 50 put\n\n')).toEqual([
    { level: 'NOTICE', code: 1, extra: '', data: [], text: 'ERROR 50 put' },
  ]);
});
