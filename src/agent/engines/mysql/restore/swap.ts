import { setTimeout as sleep } from 'node:timers/promises';
import type { DestinationState, SafetyCopy } from '../../../../api/v1alpha1/restore-report.ts';
import { RunError } from '../../../../errors/run-error.ts';
import type { RestoreContext } from '../../../restore/engine.ts';
import { serverMessage, withConnection } from '../connect.ts';
import { exchange, prepareExchange, tidyExchange, type ExchangeInput } from './exchange.ts';
import { fenced } from './fence.ts';
import type { Journal } from './journal.ts';
import { exchangeName, oldName } from './names.ts';
import { settleExchange } from './undo.ts';

/** Puts what comes into the place of what is there, or leaves what is there; says in between that neither is so. @throws RunError ExchangeFailed */
export const swapDatabases = async (
  context: RestoreContext,
  input: ExchangeInput,
  tell: (state: DestinationState) => void,
): Promise<SafetyCopy> => {
  const { id, account } = input;
  let journal: Journal | undefined;
  try {
    await fenced(account, context.signal, async (connection) => {
      journal = await prepareExchange(context, connection, input);
      tell('Unavailable');
      await exchange(context, connection, input, journal);
    });
  } catch (error) {
    context.signal.throwIfAborted();
    if (journal === undefined) throw error;
    if ((await settle(context, input, error)) === 'PutBack') {
      tell('PutBack');
      throw new RunError('ExchangeFailed', `${wordsOf(error)} What was there was put back, whole.`, {
        cause: error,
      });
    }
  }
  tell('Replaced');
  const done = journal;
  if (done === undefined) throw new RunError('InternalError', 'The exchange has no journal.');
  await withConnection(account, context.signal, (connection) => tidyExchange(context, connection, done)).catch(
    (error: unknown) => context.log.warn('what the exchange left is removed later', { error }),
  );
  return safetyCopyOf(id, done);
};

/** A server that starts anew is given this long to be back. */
const tries = 8;
const pauseMs = 4000;

/** After an exchange that failed: in sessions of their own, since the one that failed may be gone. @throws RunError ExchangeFailed: it could not be undone */
const settle = async (
  context: RestoreContext,
  { id, account, optionFile }: ExchangeInput,
  failure: unknown,
): Promise<'PutBack' | 'Done'> => {
  for (let left = tries; ; left -= 1) {
    try {
      const outcome = await fenced(account, context.signal, (connection) =>
        settleExchange(context, connection, id, { account, optionFile }),
      );
      return outcome === 'Done' ? 'Done' : 'PutBack';
    } catch (error) {
      context.signal.throwIfAborted();
      context.log.warn('the exchange is not undone yet', { error });
      if (left <= 1 || (error instanceof RunError && error.reason === 'ExchangeFailed')) {
        const detail = `The exchange failed (${wordsOf(failure)}) and could not be undone: ${wordsOf(error)}`;
        throw new RunError('ExchangeFailed', detail, { cause: failure });
      }
      await sleep(pauseMs, undefined, { signal: context.signal });
    }
  }
};

const wordsOf = (error: unknown): string =>
  error instanceof RunError ? error.detail : `The server says: ${serverMessage(error)}.`;

const maxNames = 8;

const safetyCopyOf = (id: string, { databases }: Journal): SafetyCopy => {
  const names = databases.filter(({ existed }) => existed).map(({ name }) => oldName(id, name));
  if (names.length === 0) return { kind: 'None', names: [], count: 0 };
  return {
    kind: 'Databases',
    names: names.slice(0, maxNames),
    count: names.length,
    howToUse: `Tables are there under their names: RENAME TABLE moves one back. Views, triggers, routines and events are kept as SQL in ${exchangeName(id)}.done (column content, in the order of id; what = programs, views).`,
  };
};
