import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { outcomeOf } from './support/agent.ts';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';
import { benchAccount, benchDatabase, makeMysqlBench, type MysqlBench } from './support/mysql-bench.ts';
import { makePrograms } from './support/programs.ts';

let server: MariadbServer;
let bench: MysqlBench | undefined;

beforeAll(async () => {
  server = await startMariadb();
});
afterAll(() => server?.stop());
afterEach(() => bench?.remove());

test.each([
  { what: 'double quotes', password: 'a"b"' },
  { what: 'single quotes', password: `'it's'` },
  { what: 'backslashes', password: 'a\\nb\\\\c\\' },
  { what: 'a comment sign', password: 'abc#def ; ghi' },
  { what: 'outer spaces', password: '  spaces  ' },
  { what: 'a line break at its end', password: 'pass word\n' },
  { what: 'control characters', password: 'a\tb\rc\bd' },
  { what: 'Unicode', password: 'šõüö🐑ß' },
  { what: 'shell', password: '$(touch /tmp/x) `id` && ! %s' },
  { what: 'the shape of an option', password: '--help=[client]' },
])('a password with $what works', async ({ password }) => {
  await server.prepare({ database: benchDatabase, username: 'o"dd us\\er', password, rows: 5 });
  bench = await makeMysqlBench(server, { username: 'o"dd us\\er', password });
  const end = await bench.dump();
  expect(outcomeOf(end)).toBe('Succeeded');
  expect(end.log).not.toContain(password);
});

/** Arguments and environment of every process but this one, as often as the machine allows, until `done`. What is looked for, and seen, is told. */
const watchProcesses = async (
  done: Promise<unknown>,
  { lookFor, tell }: { readonly lookFor: string; readonly tell: () => Promise<void> },
): Promise<string> => {
  const over = new AbortController();
  const seen = new Set<string>();
  void done.finally(() => over.abort());
  while (!over.signal.aborted) {
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== String(process.pid))) {
      for (const file of ['cmdline', 'environ']) {
        const text = await readFile(join('/proc', pid, file), 'latin1').catch(() => '');
        seen.add(text);
        if (text.includes(lookFor)) await tell();
      }
    }
    await sleep(10);
  }
  return [...seen].join('\n');
};

test.each([
  { what: 'a run that succeeds', script: '/usr/bin/mariadb-dump "$@"', outcome: 'Succeeded' },
  {
    what: 'a tool that prints the password',
    script: `grep -h password= "\${1#--defaults-file=}" >&2; exit 2`,
    outcome: 'Failed: DumpFailed at Dump',
  },
])(
  'the password is in no argument, environment, log, message or file that stays: $what',
  async ({ script, outcome }) => {
    await server.prepare({ database: benchDatabase, ...benchAccount, rows: 5 });
    bench = await makeMysqlBench(server);
    const seenBy = join(bench.files.scratch, '..', 'seen');
    const watched = join(bench.files.scratch, '..', 'watched');
    // However long a look at all processes takes, the tool is there for one.
    const untilWatched = `for i in $(seq 600); do [ ! -e ${watched} ] || break; sleep 0.05; done`;
    const programs = await makePrograms({
      'mariadb-dump': `cat /proc/$$/cmdline /proc/$$/environ >${seenBy}; stat -c %a "\${1#--defaults-file=}" >>${seenBy}\n${untilWatched}\n${script}`,
    });
    try {
      const agent = await bench.start({ programs: programs.path });
      const seen = await watchProcesses(agent.end, {
        lookFor: '--single-transaction',
        tell: () => writeFile(watched, ''),
      });
      const end = await agent.end;
      expect(outcomeOf(end)).toBe(outcome);
      const toolSaw = await readFile(seenBy, 'latin1');
      // Truth values, since a failure would print what every process of the machine has in its environment.
      expect(toolSaw.includes('--single-transaction')).toBe(true);
      expect(toolSaw.trimEnd().endsWith('600')).toBe(true);
      expect(seen.includes('--single-transaction')).toBe(true);
      const texts = { seen, toolSaw, log: end.log, result: JSON.stringify(end.result) };
      const holding = Object.entries(texts).filter(([, text]) => text.includes(benchAccount.password));
      expect(holding.map(([name]) => name)).toEqual([]);
      expect(await readdir(bench.files.scratch)).toEqual([]);
      expect(await readFile(join(bench.files.claim, 'ledger.json'), 'utf8')).not.toContain(benchAccount.password);
    } finally {
      await programs.remove();
    }
  },
);
