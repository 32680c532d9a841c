import { sshTarget } from './ssh-target.ts';

/** A backup host by SFTP. */
export const sftpRepository = sshTarget.describe(
  'A backup host reached by SFTP. Not available yet: refused with a Stalled condition.',
);
