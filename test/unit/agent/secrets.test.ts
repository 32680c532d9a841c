import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { createSecrets, redactValues } from '../../../src/agent/secrets.ts';

test('no secret of a usable length is left in a text', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 4, unit: 'grapheme' }), { minLength: 1 }),
      fc.array(fc.string({ unit: 'grapheme' })),
      (values, between) => {
        // The mask itself is the one text that may stay.
        fc.pre(values.every((value) => !'[redacted]'.includes(value)));
        const text = values.flatMap((value, index) => [between[index] ?? '', value]).join('');
        const left = redactValues(text, values).split('[redacted]');
        for (const part of left) for (const value of values) expect(part).not.toContain(value);
      },
    ),
  );
});

test.each([
  { text: 'pw is abc.', values: ['abc'], masked: 'pw is [redacted].', reason: 'a short one that stands alone' },
  { text: 'abcdef', values: ['abc'], masked: 'abcdef', reason: 'a short one inside a word would tear texts apart' },
  { text: 'a (b+ c', values: ['(b+'], masked: 'a [redacted] c', reason: 'signs of patterns are taken as they are' },
  { text: 'secret1234', values: ['secret', 'secret1234'], masked: '[redacted]', reason: 'the longest goes first' },
])('redaction: $reason', ({ text, values, masked }) => {
  expect(redactValues(text, values)).toBe(masked);
});

describe('a mounted Secret', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'hf-'));
    await mkdir(join(directory, 'dir'));
    await writeFile(join(directory, 'password'), 'line one of key\nline "two" of key\n');
    await writeFile(join(directory, 'empty'), '');
    await writeFile(join(directory, 'binary'), Buffer.from([0xff, 0xfe]));
  });
  afterEach(() => rm(directory, { recursive: true }));

  test('is read as it is; its lines and quoted forms are masked', async () => {
    const secrets = createSecrets();
    expect(secrets.redact('line one of key')).toBe('line one of key');
    expect(await secrets.read({ directory, secret: 's' }, 'password')).toBe('line one of key\nline "two" of key\n');
    expect(secrets.redact('got: line one of key')).toBe('got: [redacted]');
    expect(secrets.redact(JSON.stringify({ a: 'line "two" of key' }))).toBe('{"a":"[redacted]"}');
  });

  test('that is public is not masked', async () => {
    const secrets = createSecrets();
    await secrets.read({ directory, secret: 's' }, 'password', { public: true });
    expect(secrets.redact('line one of key')).toBe('line one of key');
  });

  test.each([
    { key: 'none', reason: 'SecretMissing', words: 'Secret s or its key "none"' },
    { key: 'password/x', reason: 'SecretMissing', words: 'Secret s' },
    { key: 'dir', reason: 'SecretInvalid', words: 'cannot be read' },
    { key: 'empty', reason: 'SecretInvalid', words: 'is empty' },
    { key: 'binary', reason: 'SecretInvalid', words: 'is not UTF-8' },
  ])('key $key: $reason', async ({ key, reason, words }) => {
    const read = createSecrets().read({ directory, secret: 's' }, key);
    await expect(read).rejects.toMatchObject({ reason, message: expect.stringContaining(words) });
  });
});
