import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { createAuthority, type Authority, type Certificate } from '../../cluster/pki.ts';
import { makeDirectory } from './directories.ts';

/** Authorities of a test's own, in a directory that goes with them. */
export interface Authorities {
  readonly path: string;
  make(name: string): Promise<Authority>;
  /** The same certificate, signed anew, and over since yesterday. */
  expire(authority: Authority, issued: Certificate): Promise<Certificate>;
  remove(): Promise<void>;
}

export const makeAuthorities = async (): Promise<Authorities> => {
  const { path, remove } = await makeDirectory();
  return {
    path,
    remove,
    async make(name) {
      await mkdir(join(path, name));
      return createAuthority(join(path, name));
    },
    async expire(authority, { certificateFile, keyFile }) {
      const [request, expired] = [`${certificateFile}.csr`, `${certificateFile}.expired`];
      const [copy, signer] = [
        ['-copy_extensions', 'copyall'],
        ['-CA', authority.certificateFile, '-CAkey', authority.keyFile],
      ];
      await execa('openssl', [
        'x509',
        '-x509toreq',
        '-in',
        certificateFile,
        '-signkey',
        keyFile,
        ...copy,
        '-out',
        request,
      ]);
      await execa('openssl', ['x509', '-req', '-in', request, ...signer, '-days', '-1', ...copy, '-out', expired]);
      return { certificateFile: expired, keyFile };
    },
  };
};
