import type { DestinationTask } from '../../api/v1alpha1/task.ts';
import type { RestoreEngine } from './engine.ts';

/** Makes what restores for a task, by the block of its target. */
export type RestorerFor = (task: DestinationTask) => RestoreEngine;
