import type { Subject } from '../../src/api/v1alpha1/recovery-points.ts';

/** What tasks of the tests are about. */
export const subject: Subject = { source: '50c3de57a1b2c3d4', repository: '0f9e8d7c6b5a4938' };
