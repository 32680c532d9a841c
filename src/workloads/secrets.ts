import type { Volume, VolumeMount } from './types.ts';

/** A Secret mounted into a container. */
export interface SecretMount {
  /** Its name in messages, and in the task. */
  secret: string;
  /** Where the agent finds it. */
  directory: string;
  volume: Volume;
  mount: VolumeMount;
}

/**
 * Mounts a Secret for one `use`. It is optional: a pod with a missing Secret would hang without a word, so the pod starts and the
 * agent reports SecretMissing. The group may read it (fsGroup), others may not; ssh takes its own copy with mode 0600.
 */
export const mountSecret = (use: string, secret: string): SecretMount => {
  const name = `secret-${use}`;
  const directory = `/etc/holdfast/${use}`;
  return {
    secret,
    directory,
    volume: { name, secret: { secretName: secret, optional: true, defaultMode: 0o440 } },
    mount: { name, mountPath: directory, readOnly: true },
  };
};
