import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { InfluxdbTask } from '../../../../api/v1alpha1/sources/influxdb.ts';
import { RunError } from '../../../../errors/run-error.ts';
import { errorCode, sha256OfFile } from '../../../disk.ts';
import { factsFile } from '../../../layout.ts';
import type { PutBackEngine, RestoreContext, RestoreEngine, RestoreOrder } from '../../../restore/engine.ts';
import { readFacts } from '../../../verify/read-facts.ts';
import { checkBackup } from '../check-backup.ts';
import { holdingOf, influxdbFacts } from '../facts.ts';
import { detailOf } from './errors.ts';
import { readJournal, safetyPlace, type SafetyPlace } from './journal.ts';

/**
 * Puts back what restore `from` has set aside: a backup like any other, on the claim, which stays there until its time is over. Its facts were
 * taken when it was made, and their digest stands in the journal.
 */
export const createInfluxdbPutBack = (
  engine: RestoreEngine,
  { target }: RestoreOrder<InfluxdbTask>,
  from: string,
): PutBackEngine => {
  const placeOf = ({ layout }: RestoreContext): SafetyPlace => safetyPlace(layout.safety, from);
  const copyIn = (context: RestoreContext): string => placeOf(context).copy;
  return {
    async look(context, newest) {
      const facts = await wholeCopy(context, placeOf(context), target.database);
      const { rows, holding } = holdingOf(facts);
      const copy = { objects: holding?.length ?? 0, ...(rows !== undefined && { rows }) };
      return { found: await engine.look(context, newest), copy };
    },
    async load(context, directory) {
      await wholeCopy(context, placeOf(context), target.database);
      await cp(join(copyIn(context), factsFile), join(directory, factsFile));
      await engine.load(context, copyIn(context));
    },
    compare: (context) => engine.compare(context, copyIn(context)),
    swap: (context, _directory, tell) => engine.swap(context, copyIn(context), tell),
    check: (context) => engine.check(context, copyIn(context)),
  };
};

/** The facts of a copy that is as it was made. @throws RunError SafetyCopyUnavailable */
const wholeCopy = async (
  { signal }: Pick<RestoreContext, 'signal'>,
  place: SafetyPlace,
  database: string,
): Promise<ReturnType<typeof influxdbFacts.parse>> => {
  const unavailable = (detail: string, cause?: unknown): RunError =>
    new RunError('SafetyCopyUnavailable', detail, { cause });
  const journal = await readJournal(place);
  if (journal === undefined)
    throw unavailable(`There is no ${place.directory} on the claim of the policy: the safety copy was discarded.`);
  if (journal.state === 'Begun')
    throw unavailable(`Restore ${place.id} was cut off while it replaced the database: what it set aside is no copy.`);
  if (!journal.copy) throw unavailable(`Restore ${place.id} found nothing to set aside.`);
  if (journal.database !== database)
    throw unavailable(`What restore ${place.id} set aside is of the database "${journal.database}".`);
  try {
    await checkBackup(place.copy, database, signal);
    if ((await sha256OfFile(join(place.copy, factsFile), signal)) === journal.factsDigest)
      return await readFacts(influxdbFacts, place.copy);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof RunError) && errorCode(error) !== 'ENOENT') throw error;
    throw unavailable(`What is in ${place.copy} on the claim of the policy is not whole: ${detailOf(error)}.`, error);
  }
  throw unavailable(`${factsFile} in ${place.copy} on the claim of the policy is not what was written then.`);
};
