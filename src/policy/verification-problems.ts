import type { BackupPolicySpec } from '../api/v1alpha1/backuppolicy.ts';
import { sandboxParts } from '../workloads/sandboxes/registry.ts';
import type { WorkloadSettings } from '../workloads/settings.ts';

const noSandbox = (spec: BackupPolicySpec, { sandboxImages }: Pick<WorkloadSettings, 'sandboxImages'>): string[] => {
  const server = sandboxParts(spec.source)?.server;
  const asked = spec.verification?.sandbox.image;
  if (server === undefined) {
    return asked === undefined
      ? []
      : ['spec.verification.sandbox.image: this source needs no scratch server. Remove the field.'];
  }
  const possible = sandboxImages.filter(({ engine }) => server.engines.includes(engine));
  if (possible.length === 0) {
    return [
      `spec.schedule.verify: the operator knows no image of a scratch server for this source. Add one to the chart’s value verification.sandboxImages, for ${server.engines.join(' or ')}.`,
    ];
  }
  if (asked === undefined || possible.some(({ image }) => image === asked)) return [];
  return [
    `spec.verification.sandbox.image: ${asked} is not on the operator’s list for this source, which has ${possible.map(({ image }) => image).join(', ')}. Name one of these, or have the image added to the chart’s value verification.sandboxImages.`,
  ];
};

/** What keeps a policy's backups from being verified, in words that name the field. */
export const verificationProblems = (
  spec: BackupPolicySpec,
  settings: Pick<WorkloadSettings, 'sandboxImages'>,
): string[] => {
  const { schedule, verification, encryption } = spec;
  if (schedule.verify === undefined) {
    const message =
      'spec.verification does nothing without spec.schedule.verify: set when backups are verified, or remove it.';
    return verification === undefined ? [] : [message];
  }
  return [
    ...(schedule.full === undefined
      ? ['spec.schedule.verify needs spec.schedule.full: what is verified is fetched from the repository.']
      : []),
    ...(encryption.gpg !== undefined && encryption.gpg.privateKeySecretRef === undefined
      ? [
          'spec.schedule.verify: what is stored cannot be opened without its private key. Set spec.encryption.gpg.privateKeySecretRef; only the pods that verify and restore have it.',
        ]
      : []),
    ...noSandbox(spec, settings),
  ];
};
