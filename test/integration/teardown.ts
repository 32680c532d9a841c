import type { ControlPlane } from '../cluster/control-plane.ts';

// Jest hands nothing from setup to teardown; both run in one process, and its documentation shares by the global object.
const place = Symbol.for('dev.holdfast.test.shared-plane');
const shared: typeof globalThis & { [place]?: ControlPlane } = globalThis;

/** Remembers the shared control plane for the teardown. */
export const keep = (plane: ControlPlane): void => {
  shared[place] = plane;
};

/** Once after the integration tests. */
export default async function teardown(): Promise<void> {
  await shared[place]?.stop();
}
