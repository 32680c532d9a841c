import { tlsFailure } from '../../../../src/agent/engines/mysql/tls.ts';

test.each([
  { code: 'CERT_HAS_EXPIRED', reason: 'SourceNotTrusted', words: 'expired', why: 'Node, by its own check' },
  { code: 'ERR_TLS_CERT_ALTNAME_INVALID', reason: 'SourceNotTrusted', words: 'another name', why: 'Node, the name' },
  { code: 'DEPTH_ZERO_SELF_SIGNED_CERT', reason: 'SourceNotTrusted', words: 'by itself', why: 'no authority at all' },
  { code: 'ER_SERVER_SSL_DISABLED', reason: 'SourceNotTrusted', words: 'no TLS', why: 'the driver: plain server' },
  { code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', reason: 'AccessDenied', words: 'client', why: 'an alert, older words' },
  {
    code: 'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED',
    reason: 'AccessDenied',
    words: 'client',
    why: 'an alert, newer words',
  },
  { code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', reason: 'AccessDenied', words: 'client', why: 'none was shown' },
  { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', reason: 'SourceNotTrusted', words: '1.2', why: 'an old server' },
  {
    code: 'ERR_SSL_WRONG_VERSION_NUMBER',
    reason: 'SourceNotTrusted',
    words: 'agreed',
    why: 'no TLS behind the answer',
  },
  { code: 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', reason: 'SourceNotTrusted', words: 'agreed', why: 'no cipher' },
])('$code: $why', ({ code, reason, words }) => {
  expect(tlsFailure(code)).toEqual({ reason, words: expect.stringContaining(words) });
});

test.each(['ECONNREFUSED', 'ETIMEDOUT', 'ER_ACCESS_DENIED_ERROR', 'ENOTFOUND'])(
  '%s has nothing to do with TLS',
  (code) => {
    expect(tlsFailure(code)).toBeUndefined();
  },
);
