import { mkdir, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { execa } from 'execa';
import { type Provision, planProvisions, planRemovals, type Removal } from './storage.ts';

const INTERVAL_MS = 500;

const make = async (core: CoreV1Api, { directory, limitBytes, volume }: Provision): Promise<void> => {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  if (limitBytes !== undefined) {
    // A try that got this far and no further left its mount behind.
    await execa('umount', [directory], { reject: false });
    await execa('mount', ['-t', 'tmpfs', '-o', `size=${limitBytes},mode=0755`, 'holdfast-volume', directory]);
  }
  await core.createPersistentVolume({ body: volume });
};

const remove = async (core: CoreV1Api, { directory, name }: Removal): Promise<void> => {
  await execa('umount', [directory], { reject: false });
  await rm(directory, { recursive: true, force: true });
  await core.deletePersistentVolume({ name });
};

/**
 * Makes and removes the volumes of the node's claims, until the process ends. Lists every half second instead of watching: for one small
 * cluster that costs nothing, and there is no watch to lose.
 */
export const provision = async (kubeconfig: string, root: string, say: (line: string) => void): Promise<never> => {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  for (;;) {
    try {
      const [claims, volumes] = await Promise.all([
        core.listPersistentVolumeClaimForAllNamespaces(),
        core.listPersistentVolume(),
      ]);
      for (const provision of planProvisions(claims.items, volumes.items, root)) {
        await make(core, provision);
        say(`made ${provision.directory}`);
      }
      for (const removal of planRemovals(volumes.items)) {
        await remove(core, removal);
        say(`removed ${removal.directory}`);
      }
    } catch (error) {
      // Whatever it was (the apiserver away, a volume still busy), the next round tries again.
      say(`volumes: ${error instanceof Error ? error.message : String(error)}`);
    }
    await sleep(INTERVAL_MS);
  }
};
