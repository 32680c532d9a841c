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

/** "Exactly one of": a structural schema has no oneOf with types inside, so the choice is optional blocks and this rule. */
export const exactlyOneOf = (what: string, fields: readonly string[]): CelRule => ({
  rule: `[${fields.map((field) => `has(self.${field})`).join(', ')}].filter(given, given).size() == 1`,
  message: `${what}: set exactly one of ${fields.join(', ')}`,
});

/** A span of time: a whole number and a unit, or several from large to small: `90m`, `24h`, `4w`, `1mo`, `1h30m`. A month is a calendar month. */
export const duration = z
  .string()
  .max(32)
  .regex(/^([1-9][0-9]{0,5}(mo|w|d|h|m|s))+$/);

/** A time stamp as Kubernetes writes it: RFC 3339 in UTC. */
export const time = z.string().meta({ format: 'date-time' });

/** A host name or an IPv4 address. */
export const host = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/);

/** A TCP port. */
export const port = z.int32().min(1).max(65535);

/** The name of a Kubernetes object (RFC 1123 subdomain). */
export const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/);

/** A reference to a Secret in the namespace of the resource that names it. */
export const secretRef = z.object({
  name: objectName.describe('Name of a Secret in the same namespace.'),
});

/** An absolute path of plain characters without `..`. */
export const absolutePath = z
  .string()
  .min(1)
  .max(512)
  .regex(/^\/[A-Za-z0-9._/-]*$/)
  .meta(
    celRules({
      rule: `!self.split('/').exists(part, part == '..')`,
      message: 'must not contain ".." as a part: write the path out',
    }),
  );

/** A Kubernetes quantity of bytes. */
export const byteQuantity = z
  .string()
  .min(1)
  .max(32)
  .regex(/^[1-9][0-9]*(\.[0-9]+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$/);

/** A user name on a Unix host. */
export const unixUser = z
  .string()
  .min(1)
  .max(32)
  .regex(/^[A-Za-z_][A-Za-z0-9_.-]*$/);

/** A SHA-256 digest in hexadecimal. */
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
