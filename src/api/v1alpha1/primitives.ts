import { z } from 'zod';

/**
 * The value types that the resources are made of. Each carries its own allow-list of characters, since duplicity, ssh and rsync split
 * strings: what passes here can be put into their arguments. Lengths are bounded so that the API server can price the CEL rules.
 */

/** A CEL rule that the API server runs on the value it is attached to; `message` says what to write instead. */
export interface CelRule {
  rule: string;
  message: string;
}

/** Metadata that puts CEL rules beside a schema's other keywords. */
export const celRules = (...rules: CelRule[]): { 'x-kubernetes-validations': CelRule[] } => ({
  'x-kubernetes-validations': rules,
});

/** Key of the metadata that holds what a person is told when a pattern does not match; the CRD then carries a CEL rule instead of the regex. */
export const messageKey = 'x-holdfast-message';

/** Key of the metadata that marks a reference to a Secret; admission checks each that is marked. */
export const secretKey = 'x-holdfast-secret';

/** A bounded string of allow-listed characters. `message` says what to write, to who applies a resource and in what zod reports. */
export const text = ({ max, pattern, message }: { max: number; pattern: RegExp; message: string }): z.ZodString =>
  z
    .string()
    .max(max)
    .regex(pattern, message)
    .meta({ [messageKey]: message });

/** "Exactly one of": a structural schema has no oneOf with types inside, so the choice is optional blocks and this rule. */
export const exactlyOneOf = (what: string, fields: readonly string[]): CelRule => ({
  rule: `[${fields.map((field) => `has(self.${field})`).join(', ')}].filter(given, given).size() == 1`,
  message: `${what}: set exactly one of ${fields.join(', ')}`,
});

/**
 * A span of time: a whole number and a unit, or several from large to small, each unit once: `90m`, `24h`, `4w`, `1mo`, `1h30m`. A month is a
 * calendar month. (`\b` keeps the empty text out.)
 */
export const duration = text({
  max: 32,
  pattern:
    /^\b([1-9][0-9]{0,5}mo)?([1-9][0-9]{0,5}w)?([1-9][0-9]{0,5}d)?([1-9][0-9]{0,5}h)?([1-9][0-9]{0,5}m)?([1-9][0-9]{0,5}s)?$/,
  message:
    'write a whole number and a unit out of mo, w, d, h, m, s: such as 90m, 25h, 4w, 1mo; or several from large to small, such as 1h30m',
});

/** A time stamp as Kubernetes writes it: RFC 3339 in UTC. */
export const time = z.string().meta({ format: 'date-time' });

/** A host name or an IPv4 address. */
export const host = text({
  max: 253,
  pattern: /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/,
  message:
    'write only a host name (letters, digits, ".", "-") or an IPv4 address, such as db.example.com; the port has its own field',
});

/** A TCP port. */
export const port = z.int32().min(1).max(65535);

/** The name of a Kubernetes object (RFC 1123 subdomain). */
export const objectName = text({
  max: 253,
  pattern: /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/,
  message: 'write the name of a Kubernetes object: lower case letters, digits, "-" and ".", such as agama-mysql',
});

/** A reference to a Secret in the namespace of the resource that names it. */
export const secretRef = z
  .object({ name: objectName.describe('Name of a Secret in the same namespace.') })
  .meta({ [secretKey]: true });

/** A path that does not go up. */
export const withoutParent: CelRule = {
  rule: `!self.split('/').exists(part, part == '..')`,
  message: 'must not contain ".." as a part: write the path out',
};

/** An absolute path of plain characters without `..`. */
export const absolutePath = text({
  max: 512,
  pattern: /^\/[A-Za-z0-9._/-]*$/,
  message: 'write an absolute path of letters, digits, ".", "_", "-" and "/", such as /srv/backups',
}).meta(celRules(withoutParent));

/** A Kubernetes quantity of bytes. */
export const byteQuantity = text({
  max: 32,
  pattern: /^[1-9][0-9]*(\.[0-9]+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$/,
  message: 'write a size such as 500Mi, 10Gi or 1Ti',
});

/** A user name on a Unix host. */
export const unixUser = text({
  max: 32,
  pattern: /^[A-Za-z_][A-Za-z0-9_.-]*$/,
  message: 'write a user name: a letter or "_", then letters, digits, "_", "." and "-", such as backup',
});

/** The first 64 bits of a SHA-256, in hexadecimal: to tell apart what people write, where nobody gains by two that are alike. */
export const shortDigest = z.string().regex(/^[0-9a-f]{16}$/);

/** A SHA-256 digest in hexadecimal. */
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
