import type { BackupPolicyStatus } from '../../src/api/v1alpha1/backuppolicy.ts';
import { conditionOf } from '../scenario/runs.ts';

/** Fails unless a verification has proven the newest incremental, and with it everything that was promised. */
export const expectAllProven = (status: BackupPolicyStatus): void => {
  expect(status.lastFailure).toBeUndefined();
  expect(status.lastVerified).toMatchObject({
    set: { setTime: status.lastIncremental?.setTime },
    mismatches: { count: 0 },
  });
  for (const type of ['Verified', 'RecoveryPointMet', 'RecoveryTimeMet', 'Protected']) {
    expect(conditionOf(status, type)).toMatchObject({ type, status: 'True' });
  }
};
