import type { ScenarioKeys } from '../scenario/keys.ts';
import { knownHostsLine } from '../scenario/servers.ts';
import { runRestorePage, type RestorePage } from '../support/restore-page.ts';

export interface RestoreByHandOptions extends Pick<RestorePage, 'engine' | 'load' | 'look'> {
  keys: ScenarioKeys;
  /** Port of 127.0.0.1 that leads to the backup host. */
  port: number;
  /** Directory of the policy in the repository. */
  directory: string;
}

/** Restores from the scenario's backup host by the commands of docs/restore-by-hand.md. */
export const restoreByHand = ({ keys, port, directory, ...page }: RestoreByHandOptions): Promise<string> =>
  runRestorePage({
    backupHost: {
      host: '127.0.0.1',
      port,
      user: 'backup',
      directory,
      key: keys.client.privateKey,
      knownHosts: knownHostsLine(keys, '127.0.0.1', port),
    },
    gpgPrivateKey: keys.gpg.privateKey,
    ...page,
  });
