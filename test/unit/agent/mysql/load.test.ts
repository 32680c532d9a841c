import { loadFailure, withoutValues } from '../../../../src/agent/engines/mysql/load.ts';

test.each([
  {
    line: "ERROR 1064 (42000) at line 12: You have an error in your SQL syntax; check the manual near ''secret' 5)' at line 1",
    kept: 'ERROR 1064 (42000) at line 12: You have an error in your SQL syntax; check the manual near …',
  },
  {
    line: "ERROR 1062 (23000) at line 7: Duplicate entry 'mail@example.com' for key 'PRIMARY'",
    kept: "ERROR 1062 (23000) at line 7: Duplicate entry … for key 'PRIMARY'",
  },
  {
    line: "ERROR 1366 (22007) at line 7: Incorrect string value: '\\xF0\\x9F' for column `d`.`t`.`c` at row 1",
    kept: 'ERROR 1366 (22007) at line 7: Incorrect string value: … for column `d`.`t`.`c` at row 1',
  },
  {
    line: "ERROR 1292 (22007) at line 7: Incorrect datetime value: '2020-99-99' for column `d`.`t`.`c` at row 1",
    kept: 'ERROR 1292 (22007) at line 7: Incorrect datetime value: … for column `d`.`t`.`c` at row 1',
  },
  {
    line: "ERROR 1146 (42S02) at line 3: Table 'd.t' doesn't exist",
    kept: "ERROR 1146 (42S02) at line 3: Table 'd.t' doesn't exist",
  },
])('$kept', ({ line, kept }) => {
  expect(withoutValues(line)).toBe(kept);
});

const ended = { exitCode: 1, killedBy: undefined };

test.each([
  { reason: 'the backup', words: 'ERROR 1064 (42000) at line 1: syntax', expected: 'BackupNotLoadable' },
  {
    reason: 'the backup: a number in its words',
    words: 'ERROR 1064 (42000) at line 2006: x',
    expected: 'BackupNotLoadable',
  },
  { reason: 'no word at all', words: '', expected: 'BackupNotLoadable' },
  { reason: 'a full table', words: "ERROR 1114 (HY000) at line 1: The table 't' is full", expected: 'SandboxTooSmall' },
  { reason: 'a full disk', words: 'ERROR 1021 (HY000) at line 1: Disk full', expected: 'SandboxTooSmall' },
  {
    reason: 'a file',
    words: 'ERROR 3 (HY000) at line 1: Error writing file (Errcode: 28 "No space left on device")',
    expected: 'SandboxTooSmall',
  },
  {
    reason: 'its end',
    words: 'ERROR 2013 (HY000) at line 1: Lost connection to server during query',
    expected: 'SandboxUnavailable',
  },
  { reason: 'no server', words: "ERROR 2002 (HY000): Can't connect to local server", expected: 'SandboxUnavailable' },
  { reason: 'no memory', words: 'ERROR 1037 (HY001) at line 1: Out of memory', expected: 'SandboxUnavailable' },
])('$reason', ({ words, expected }) => {
  expect(loadFailure({ ...ended, words }).reason).toBe(expected);
});

test('a client that was ended says nothing about the backup', () => {
  expect(loadFailure({ exitCode: undefined, killedBy: 'SIGKILL', words: '' }).reason).toBe('SandboxUnavailable');
});
