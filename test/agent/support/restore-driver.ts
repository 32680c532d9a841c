import { makeRestore, type RestoreOptions, type RestorePlace } from './engine-restore-bench.ts';

// A swap as a process of its own: what the container that swaps does, for tests that kill it.

interface Order {
  readonly place: RestorePlace;
  readonly options: RestoreOptions;
  readonly directory: string;
}

const { place, options, directory } = JSON.parse(process.env['HOLDFAST_RESTORE'] ?? '') as Order;
const { parts, context } = makeRestore(place, options);
process.stdout.write('begins\n');
await parts.swap(context, directory, (state) => process.stdout.write(`told ${state}\n`));
process.stdout.write('done\n');
