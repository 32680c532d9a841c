import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { catalogue } from '../../../src/errors/catalogue.ts';
import { outputs } from '../../../src/crd/outputs.ts';

const root = path.join(import.meta.dirname, '../../..');
const read = (name: string): Promise<string> => readFile(path.join(root, name), 'utf8');

test.each(outputs().map(({ path: name, content }) => ({ name, content })))(
  '$name is what `npm run generate` writes: run it again after a change of the schemas',
  async ({ name, content }) => {
    expect(await read(name)).toBe(content);
  },
);

test('the chart has the version of the project', async () => {
  const chart = parse(await read('charts/holdfast/Chart.yaml')) as unknown;
  const { version } = JSON.parse(await read('package.json')) as { version: string };
  expect(chart).toMatchObject({ version, appVersion: version });
});

const contentOf = (name: string): string => outputs().find(({ path: other }) => other === name)?.content ?? '';

test('every reason of the catalogue is in docs/failures.md', () => {
  const document = contentOf('docs/failures.md');
  for (const reason of Object.keys(catalogue)) expect(document).toContain(`| \`${reason}\` |`);
});

test.each([
  { words: '## spec.repository.rsync', reason: 'each block has its section' },
  { words: '- repository: set exactly one of rsync, sftp, s3, volume', reason: 'the rules of a block' },
  {
    words: '| `port` | integer | `22` | TCP port of its SSH server. 1 to 65535. |',
    reason: 'type, default and bounds',
  },
  { words: '| `full` | string |  |', reason: 'no default' },
  { words: '| `host` (required) | string |', reason: 'required' },
  { words: '`$`', reason: 'code stays code', absent: true },
  { words: 'One of `None`, `OnePerson`, `TwoPersons`.', reason: 'choices' },
  { words: '## status.conditions[]', reason: 'lists of objects' },
])('the reference has $reason', ({ words, absent = false }) => {
  expect(contentOf('docs/reference/backuppolicy.md').includes(words)).toBe(!absent);
});

test('no cell of the reference ends its row early', () => {
  const rows = contentOf('docs/reference/backuppolicy.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  expect(rows.length).toBeGreaterThan(100);
  for (const row of rows) expect(row.replaceAll('\\|', '').split('|')).toHaveLength(6);
});
