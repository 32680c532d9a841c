import { z } from 'zod';
import { celRules, secretRef, text, withoutParent } from '../primitives.ts';

/** A bucket of an S3 service. */
export const s3Repository = z
  .object({
    endpoint: text({
      max: 253,
      pattern: /^https?:\/\/[A-Za-z0-9.-]+(:[0-9]{1,5})?$/,
      message: 'write scheme, host and port only, such as https://s3.example.com:9000',
    }).describe('Address of the S3 service.'),
    region: text({
      max: 64,
      pattern: /^[a-z0-9][a-z0-9-]*$/,
      message: 'write the name of a region, such as eu-north-1',
    })
      .describe('Region of the bucket.')
      .optional(),
    bucket: text({
      max: 63,
      pattern: /^[a-z0-9][a-z0-9.-]+[a-z0-9]$/,
      message: 'write the name of a bucket: 3 to 63 lower case letters, digits, "." and "-"',
    }).describe('Name of the bucket.'),
    prefix: text({
      max: 512,
      pattern: /^([A-Za-z0-9_][A-Za-z0-9._/-]*)?$/,
      message: 'write letters, digits, ".", "_", "-" and "/", beginning with a letter, a digit or "_"',
    })
      .meta(celRules(withoutParent))
      .describe('Prefix below which Holdfast writes.')
      .optional(),
    credentialsSecretRef: secretRef.describe('Secret of type kubernetes.io/basic-auth: access key and secret key.'),
    caRef: secretRef.describe('Secret whose key `ca.crt` holds the certificate authority of the service.').optional(),
  })
  .describe('A bucket of an S3 service. Not available yet: refused with a Stalled condition.');
