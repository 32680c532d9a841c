import { readFile } from 'node:fs/promises';
import type { Tool } from '../cluster/kubectl.ts';
import { gitHost } from './servers.ts';

/** Runs a script on the git server of a namespace, as the account that owns the repositories. */
export const runOnGitHost = async (kubectl: Tool, namespace: string, input: string): Promise<string> => {
  const where = ['--namespace', namespace, `deployment/${gitHost.name}`];
  const command = ['env', `REPOSITORY=${gitHost.repository}`, 'sh', '-s'];
  return kubectl(['exec', '--stdin', ...where, '--', ...command], { input, timeoutMs: 120_000 });
};

const runScript = async (kubectl: Tool, namespace: string, name: string): Promise<string> =>
  runOnGitHost(kubectl, namespace, await readFile(new URL(name, import.meta.url), 'utf8'));

/** Makes the Ansible repository, unless it is there. Returns the number of its commits. */
export const fillRepository = async (kubectl: Tool, namespace: string): Promise<number> =>
  Number((await runScript(kubectl, namespace, 'ansible.sh')).trim().split('\n').at(-1));

/** A day's work: a commit and a tag. */
export const changeRepository = async (kubectl: Tool, namespace: string): Promise<void> => {
  await runScript(kubectl, namespace, 'ansible-change.sh');
};
