import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises';

/** What invoke-rc.d and deb-systemd-invoke ask before they start a service; no other place can be named to them. */
const POLICY = '/usr/sbin/policy-rc.d';

const MARK = '# Put here by Holdfast while packages are installed.';
const FORBID = `#!/bin/sh\n${MARK}\nexit 101\n`;

const read = (path: string) => readFile(path, 'utf8').catch(() => undefined);

/** Puts back what was there; also what an earlier run, ended before it could, has left. */
const restore = async (policy: string): Promise<void> => {
  if (!(await read(policy))?.includes(MARK)) return;
  const saved = `${policy}.before-holdfast`;
  if ((await read(saved)) === undefined) await rm(policy);
  else await rename(saved, policy);
};

/** Runs `work` while no service may be started by the installation of a package. */
export const withoutServices = async <T>(work: () => Promise<T>, policy = POLICY): Promise<T> => {
  await restore(policy);
  if ((await read(policy)) !== undefined) await rename(policy, `${policy}.before-holdfast`);
  try {
    await writeFile(policy, FORBID);
    await chmod(policy, 0o755);
    return await work();
  } finally {
    await restore(policy);
  }
};
