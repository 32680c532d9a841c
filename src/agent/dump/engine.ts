import type { DumpTask } from '../../api/v1alpha1/task.ts';
import type { Quiesced } from '../../api/v1alpha1/recovery-points.ts';
import type { RunContext } from '../run.ts';

/** What an engine says about the dump it wrote. */
export interface Dumped {
  /** When the snapshot began: the state of the data. */
  readonly dataTime: Date;
  /** Whether facts.json is a witness: taken from the very snapshot of the dump. */
  readonly factsKnown: boolean;
  /** What the source holds and the dump does not, or not surely of the same moment: said in status, never passed over. */
  readonly notCovered?: readonly string[];
  /** How much it holds, where the engine counts exactly: rows, points, files. */
  readonly rows?: number;
  /** Names of what holds something (tables, measurements): one that is missing from the next dump is told. */
  readonly holding?: readonly string[];
  /** Engine and version of the source, for a scratch server of the same release: `mariadb 10.11.6`. None where any will do. */
  readonly server?: string;
  /** How the engine kept the source still, proven until its dump had ended. */
  readonly quiesced?: Quiesced;
}

/**
 * What dumps one kind of source. It writes its files and facts.json into the directory it is given, and returns when they are complete
 * by the dump's own end mark; else it throws. Adding an engine is a folder, and a line in the registry.
 */
export interface Engine {
  dump(context: RunContext<DumpTask>, directory: string): Promise<Dumped>;
}
