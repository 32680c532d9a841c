import { constants } from 'node:os';
import type { FailureReason } from '../../../errors/catalogue.ts';
import { RunError } from '../../../errors/run-error.ts';
import { errorCode } from '../../disk.ts';
import { type Cause, explainBy, type Explanation, gpgCauses, oneLine, scratchCauses } from '../../ship/reasons.ts';

/** What an error of the file system under the repository stands for. An NFS export with root squash gives EACCES. */
const byCode = {
  ENOSPC: 'RepositoryFull',
  EDQUOT: 'RepositoryFull',
  EACCES: 'RepositoryNotWritable',
  EPERM: 'RepositoryNotWritable',
  EROFS: 'RepositoryNotWritable',
  ENOTDIR: 'RepositoryNotWritable',
  ELOOP: 'RepositoryNotWritable',
  EIO: 'RepositoryUnreachable',
  ESTALE: 'RepositoryUnreachable',
  ENODEV: 'RepositoryUnreachable',
  ENXIO: 'RepositoryUnreachable',
  ENOTCONN: 'RepositoryUnreachable',
  ETIMEDOUT: 'RepositoryUnreachable',
  EHOSTUNREACH: 'RepositoryUnreachable',
  ENETUNREACH: 'RepositoryUnreachable',
  ENOENT: 'RepositoryIncomplete',
} as const satisfies Partial<Record<keyof typeof constants.errno, FailureReason>>;

type KnownCode = keyof typeof byCode;

const codes = Object.keys(byCode) as KnownCode[];

/** What duplicity says when it gave a file of the repository up; said in another way, it is of the scratch space or of the policy's claim. */
const table: readonly Cause[] = [
  ...codes.map((code) => ({
    pattern: new RegExp(`BackendException: \\[Errno ${constants.errno[code]}\\]`),
    reason: byCode[code],
  })),
  ...scratchCauses,
  ...gpgCauses,
];

/** The cause in what duplicity said of a repository on a claim. */
export const explain = (text: string): Explanation | undefined => explainBy(table, text);

/** An error of the file system as a failure of the repository; any other error as it is. */
export const volumeError = (doing: string, error: unknown): unknown => {
  const code = codes.find((known) => known === errorCode(error));
  if (code === undefined) return error;
  const words = oneLine(error instanceof Error ? error.message : String(error));
  return new RunError(byCode[code], `${doing} failed: ${words}.`, { cause: error });
};
