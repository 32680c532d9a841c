const mask = '[redacted]';
const deepest = 8;

const secretKey =
  /pass(word|wd|phrase)|secret|token|authori[sz]ation|credential|(private|api|access)[-_]?key|cookie|stringdata/i;
// Names of Secrets are not secrets, and without them a log does not say what is missing.
const referenceKey = /(ref|refs|name|names|namespace|version|type|kind|mode|path|missing|exists|found)$/i;
const urlPassword = /([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s@/]+@/gi;
const pemBlock = /-----BEGIN [^-]*PRIVATE KEY[^-]*-----[\s\S]*?(-----END [^-]*-----|$)/g;
const bearer = /\b(bearer|basic) [a-z0-9._~+/=-]{8,}/gi;

/** A copy of `value` fit for a log: values under secret-like keys, URL passwords, bearer tokens and private keys are masked. */
export function redact(value: unknown, key = '', depth = 0): unknown {
  if (value !== undefined && value !== null && isSecretKey(key)) return mask;
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= deepest) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => redact(item, '', depth + 1));
  if (value instanceof Date) return value.toISOString();
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, redact(inner, name, depth + 1)]));
}

/** Masks what is recognisably secret inside free text. */
export function redactText(text: string): string {
  return text.replace(pemBlock, mask).replace(urlPassword, `$1:${mask}@`).replace(bearer, `$1 ${mask}`);
}

function isSecretKey(key: string): boolean {
  return secretKey.test(key) && !referenceKey.test(key);
}
