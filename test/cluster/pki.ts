import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/** A certificate and its key, in files. */
export type Certificate = { certificateFile: string; keyFile: string };

/** Who a certificate is for: user and groups as Kubernetes reads them (CN and O), and the names a server answers to. */
export type CertificateRequest = {
  commonName: string;
  organizations?: readonly string[];
  /** For example `IP:127.0.0.1` or `DNS:localhost`. */
  subjectAltNames?: readonly string[];
};

/** A certificate authority of its own for each cluster. */
export type Authority = Certificate & { issue: (request: CertificateRequest) => Promise<Certificate> };

const DAYS = '365';
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** A value inside openssl's `-subj`: its separators, and `+` for multi-valued names, are escaped by a backslash. */
export const escapeSubject = (value: string): string => value.replaceAll(/[\\/+]/g, String.raw`\$&`);

/** A subject in the form of openssl's `-subj`. */
export const subject = ({ commonName, organizations = [] }: CertificateRequest): string =>
  [...organizations.map((name) => `/O=${escapeSubject(name)}`), `/CN=${escapeSubject(commonName)}`].join('');

/** Makes an authority whose files, and those of what it issues, are in `directory`. */
export const createAuthority = async (directory: string): Promise<Authority> => {
  const [certificateFile, keyFile] = [join(directory, 'ca.crt'), join(directory, 'ca.key')];
  const common = ['req', '-x509', ...EC, '-utf8', '-keyout', keyFile, '-out', certificateFile, '-days', DAYS];
  await execa('openssl', [
    ...common,
    '-subj',
    '/CN=holdfast-cluster-ca',
    '-addext',
    'basicConstraints=critical,CA:TRUE',
  ]);

  return {
    certificateFile,
    keyFile,
    issue: async (request) => {
      // A name of its own for each: any number are issued at once, and a user's name may not be fit for a file.
      const stem = join(directory, randomUUID());
      const files = { certificateFile: `${stem}.crt`, keyFile: `${stem}.key` };
      const names = request.subjectAltNames ?? [];
      const extensions = ['-addext', 'extendedKeyUsage=clientAuth,serverAuth', '-addext', 'basicConstraints=CA:FALSE'];
      if (names.length > 0) extensions.push('-addext', `subjectAltName=${names.join(',')}`);
      const output = ['-keyout', files.keyFile, '-out', files.certificateFile, '-days', DAYS];
      const signer = ['-CA', certificateFile, '-CAkey', keyFile];
      await execa('openssl', [
        'req',
        '-x509',
        ...EC,
        '-utf8',
        ...signer,
        ...output,
        '-subj',
        subject(request),
        ...extensions,
      ]);
      return files;
    },
  };
};

/** The key pair that service account tokens are signed with. */
export const createSigningKey = async (directory: string): Promise<{ privateFile: string; publicFile: string }> => {
  const [privateFile, publicFile] = [join(directory, 'service-account.key'), join(directory, 'service-account.pub')];
  await execa('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', privateFile]);
  await execa('openssl', ['pkey', '-in', privateFile, '-pubout', '-out', publicFile]);
  return { privateFile, publicFile };
};

/** Writes a kubeconfig that holds everything it needs (JSON is YAML). */
export const writeKubeconfig = async (
  file: string,
  {
    server,
    authority,
    client,
  }: { server: string; authority: Pick<Certificate, 'certificateFile'>; client: Certificate },
): Promise<string> => {
  const [ca, certificate, key] = await Promise.all(
    [authority.certificateFile, client.certificateFile, client.keyFile].map((path) => readFile(path, 'base64')),
  );
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'holdfast',
    contexts: [{ name: 'holdfast', context: { cluster: 'holdfast', user: 'holdfast' } }],
    clusters: [{ name: 'holdfast', cluster: { server, 'certificate-authority-data': ca } }],
    users: [{ name: 'holdfast', user: { 'client-certificate-data': certificate, 'client-key-data': key } }],
  };
  await writeFile(file, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
  return file;
};
