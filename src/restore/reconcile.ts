import type { ReconcileContext, ReconcileResult } from '../kube/controller.ts';
import { lookingAgain } from '../kube/look-again.ts';
import type { Pass } from '../quiesce/serve.ts';
import { advance } from './advance.ts';
import { letGo } from './let-go.ts';
import { tidyUp } from './tidy-up.ts';
import { type RestoreReconcilerOptions, type Turn, subjectOf, observeIn } from './turn.ts';
import { isFinished } from './views.ts';

/** observe → judge → write → carry out, for one request. */
export const createRestoreReconciler = (options: RestoreReconcilerOptions) => {
  const reconcile = async ({ key, signal, logger }: ReconcileContext): Promise<ReconcileResult> => {
    const scope = options.scopeOf(key);
    const request = scope?.watches.request(key);
    if (scope === undefined || request === undefined) return {};
    const { client, clock } = options;
    const now = clock.now();
    const tell = (reason: string, message: string): void =>
      options.events.record(subjectOf(request), { type: 'Normal', reason, message });
    const { namespace } = request.metadata;
    const remember: Pass['remember'] = (kind, raw) => scope.held?.remember(kind, raw);
    const pass: Pass = { client, namespace, caches: scope.caches, remember, now, signal, logger, tell };
    const observed = observeIn(scope, request, now);
    const turn: Turn = { ...scope, client, signal, options, observed, now, pass };
    if (request.metadata.deletionTimestamp !== undefined) return letGo(turn);
    return isFinished(request.status) ? tidyUp(turn) : advance(turn);
  };
  return lookingAgain('the cache is behind', reconcile);
};
