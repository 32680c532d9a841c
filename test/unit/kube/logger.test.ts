import { Writable } from 'node:stream';
import { createLogger, resourceLogger } from '../../../src/kube/logger.ts';
import { redact } from '../../../src/kube/redact.ts';

const hidden = '[redacted]';

test.each([
  { value: { password: 'x' }, out: { password: hidden }, reason: 'a password' },
  { value: { a: { b: [{ authToken: 'x' }] } }, out: { a: { b: [{ authToken: hidden }] } }, reason: 'deep inside' },
  {
    value: { passphraseSecretRef: 'name' },
    out: { passphraseSecretRef: 'name' },
    reason: 'the name of a Secret is none',
  },
  {
    value: { credentialsSecretRef: { name: 'n', password: 'x' } },
    out: { credentialsSecretRef: { name: 'n', password: hidden } },
    reason: 'inside a reference',
  },
  { value: 'mysql://root:hunter2@db/x', out: `mysql://root:${hidden}@db/x`, reason: 'a password in a URL' },
  {
    value: 'Authorization: Bearer abcdefghij.klm',
    out: `Authorization: Bearer ${hidden}`,
    reason: 'a bearer token in text',
  },
  {
    value: 'x -----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY----- y',
    out: `x ${hidden} y`,
    reason: 'a private key',
  },
  {
    value: { password: undefined },
    out: { password: undefined },
    reason: 'a missing password may be seen to be missing',
  },
])('$reason', ({ value, out }) => {
  expect(redact(value)).toEqual(out);
});

test('no secret reaches a line: not by field, error, cause or message', () => {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const logger = resourceLogger(createLogger({ destination }), {
    kind: 'BackupPolicy',
    namespace: 'shop',
    name: 'orders',
  });
  const cause = Object.assign(new Error('sftp://me:hunter2@host refused'), { token: 'hunter2' });
  logger.error({ err: new Error('connect', { cause }), password: 'hunter2' }, 'cannot reach mysql://me:hunter2@db');
  logger.error(cause);
  expect(lines).toHaveLength(2);
  expect(lines.join('')).not.toContain('hunter2');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'error',
    kind: 'BackupPolicy',
    namespace: 'shop',
    name: 'orders',
    err: { type: 'Error' },
  });
});
