import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { checkServerIdentity, createSecureContext, rootCertificates, type PeerCertificate } from 'node:tls';
import type { MysqlTask } from '../../../api/v1alpha1/sources/mysql.ts';
import { RunError } from '../../../errors/run-error.ts';
import type { RunContext } from '../../run.ts';
import type { SecretMount } from '../../secrets.ts';

/** What a connection is verified with, and the certificate that it shows. */
export interface Tls {
  /** PEM of the authorities that the server's certificate may come from. */
  readonly ca: string;
  readonly client?: { readonly certificate: string; readonly key: string } | undefined;
}

const blocks = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Reads the Secrets behind `tls`. Without an authority of its own the public ones count, for the driver and for mariadb-dump alike.
 * @throws RunError SecretMissing, SecretInvalid
 */
export const readTls = async (
  { secrets }: Pick<RunContext, 'secrets'>,
  task: NonNullable<MysqlTask['tls']>,
): Promise<Tls> => {
  const ca =
    task.ca === undefined
      ? rootCertificates.join('\n')
      : certificates(await secrets.read(task.ca, 'ca.crt', { public: true }), task.ca, 'ca.crt');
  if (task.clientCertificate === undefined) return { ca };
  const mount = task.clientCertificate;
  const certificate = certificates(await secrets.read(mount, 'tls.crt', { public: true }), mount, 'tls.crt');
  const key = await secrets.read(mount, 'tls.key');
  try {
    createSecureContext({ cert: certificate, key });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const detail = `Keys "tls.crt" and "tls.key" of Secret ${mount.secret} are no certificate with its key (${why}).`;
    throw new RunError('SecretInvalid', detail, { cause: error });
  }
  return { ca, client: { certificate, key } };
};

// What is no certificate would be skipped without a word, and the server then not be trusted for another reason than it seems.
const certificates = (pem: string, { secret }: SecretMount, key: string): string => {
  const found = pem.match(blocks) ?? [];
  try {
    for (const block of found) void new X509Certificate(block);
    if (found.length > 0) return `${found.join('\n')}\n`;
  } catch {
    // Said below.
  }
  throw new RunError('SecretInvalid', `Key "${key}" of Secret ${secret} holds no certificate in PEM form.`);
};

/**
 * The driver's options. The name is checked by a function of our own: the driver leaves it to defaults that do not know the host, and with
 * an authority it does not fall back to trusting any certificate.
 */
export const driverTls = ({ ca, client }: Tls, host: string) => ({
  ca,
  ...(client !== undefined && { cert: client.certificate, key: client.key }),
  // The name for SNI may not be an address.
  ...(isIP(host) === 0 && { servername: host }),
  checkServerIdentity: (_name: string, certificate: PeerCertificate) => checkServerIdentity(host, certificate),
  rejectUnauthorized: true,
  minVersion: 'TLSv1.2' as const,
});

/** Writes the files that mariadb-dump reads, and gives back its options. */
export const writeTlsFiles = async ({ ca, client }: Tls, directory: string): Promise<Record<string, string>> => {
  const files = {
    'ssl-ca': ca,
    ...(client !== undefined && { 'ssl-cert': client.certificate, 'ssl-key': client.key }),
  };
  const options: Record<string, string> = { ssl: '1', 'ssl-verify-server-cert': '1' };
  for (const [option, content] of Object.entries(files)) {
    const path = join(directory, `${option}.pem`);
    await writeFile(path, content, { mode: 0o600 });
    options[option] = path;
  }
  return options;
};

const untrusted: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  CERT_REVOKED: 'its certificate is revoked',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  ER_TLS_IDENTITY_ERROR: 'its certificate is for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself and is not among the authorities of the policy',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of an authority that the policy does not trust',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate is of an authority that the policy does not trust',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of an authority that the policy does not trust',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of an authority that the policy does not trust',
  CERT_SIGNATURE_FAILURE: 'its certificate is not signed by the authority it names',
  INVALID_PURPOSE: 'its certificate is not one for servers',
  CERT_UNTRUSTED: 'its certificate is not trusted',
  CERT_REJECTED: 'its certificate is rejected',
  ER_SERVER_SSL_DISABLED: 'it offers no TLS, and the policy asks for an encrypted connection',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'it offers no TLS 1.2 or later',
};

/** Alerts by which the other side refuses our certificate, or misses it. The words before them differ by the version of OpenSSL. */
const refused =
  /_ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR|NO_CERTIFICATE)$/;

/** Why a connection with TLS failed, by the code of the error; undefined for what has nothing to do with TLS. */
export const tlsFailure = (
  code: string,
): { reason: 'SourceNotTrusted' | 'AccessDenied'; words: string } | undefined => {
  const words = untrusted[code];
  if (words !== undefined) return { reason: 'SourceNotTrusted', words };
  if (!/^ERR_(SSL|TLS)_/.test(code)) return undefined;
  if (refused.test(code)) return { reason: 'AccessDenied', words: 'it refused the client certificate' };
  if (code.endsWith('_ALERT_PROTOCOL_VERSION'))
    return { reason: 'SourceNotTrusted', words: 'it offers no TLS 1.2 or later' };
  return { reason: 'SourceNotTrusted', words: 'no encrypted connection could be agreed on' };
};
