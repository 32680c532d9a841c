import type { ControllerOptions } from './controller.ts';
import { isConflict } from './errors.ts';

type Reconcile = ControllerOptions['reconcile'];

/** A reconcile for which a conflict is no failure: what it saw was behind, as `what` says, and it looks again. */
export const lookingAgain =
  (what: string, reconcile: Reconcile): Reconcile =>
  async (context) => {
    try {
      return await reconcile(context);
    } catch (error) {
      if (!isConflict(error)) throw error;
      context.logger.debug({ err: error }, `${what}: looking again`);
      return { lookAgain: true };
    }
  };
