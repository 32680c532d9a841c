import type { Cost } from '../data/figures.ts';
import { rounded } from '../operator/figures.ts';

/** One part of a restore: a command, or a container of the restore's pod as a process. */
export interface Part {
  readonly name: string;
  readonly cost: Cost;
  /** Whether what uses the data cannot run meanwhile. */
  readonly down: boolean;
}

/** What one way to restore cost. */
export interface WayFigures {
  /** By hand: fetch, load. Holdfast: bring, load, swap, check. */
  seconds: Readonly<Record<string, number>>;
  allSeconds: number;
  /** The same for each gigabyte (10^9 bytes) of dump. */
  secondsPerGB: number;
  /** How long what uses the data must be down: by hand while it is loaded; with Holdfast for swap and check. */
  downSeconds: number;
  /** Of the commands and containers; servers are left out. */
  cpuSeconds: number;
  /** Most resident memory of a part's processes together; servers are left out. */
  peakRssMiB: number;
  /** Most that lay there beyond what lay there before: what was fetched, safety copies, and what the server's data grew by. */
  peakScratchMiB: number;
}

/** One engine, both ways on the same data. */
export interface EngineFigures {
  engine: string;
  /** How many databases were restored: by hand one after another, by Holdfast side by side. */
  databases: number;
  /** Size of the dump. */
  sourceBytes: number;
  /** What Holdfast compared in place with the facts of the backup: all was equal. By hand nothing is compared. */
  objectsCompared: number;
  rowsCompared: number;
  byHand: WayFigures;
  holdfast: WayFigures;
  ratios: {
    /** Seconds by hand against Holdfast's: above 1, Holdfast is faster. */
    speedOfByHand: number;
    /** Seconds that the application is down with Holdfast against those by hand: below 1, it is down for less. */
    downOfByHand: number;
  };
}

/** The last line that the benchmark prints. */
export interface RestoreFigures {
  /** Size that was asked for; each engine's dump has about that. */
  megabytes: number;
  engines: readonly EngineFigures[];
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** What the parts of a way cost together; those of one name are added. */
export const wayOf = (parts: readonly Part[], peakScratchMiB: number, sourceBytes: number): WayFigures => {
  const secondsOf = (some: readonly Part[]): number => sum(some.map(({ cost }) => cost.seconds));
  const byName = Map.groupBy(parts, ({ name }) => name);
  return {
    seconds: Object.fromEntries([...byName].map(([name, own]) => [name, rounded(secondsOf(own))])),
    allSeconds: rounded(secondsOf(parts)),
    secondsPerGB: rounded(secondsOf(parts) / (sourceBytes / 1e9)),
    downSeconds: rounded(secondsOf(parts.filter(({ down }) => down))),
    cpuSeconds: rounded(sum(parts.map(({ cost }) => cost.cpuSeconds))),
    peakRssMiB: rounded(Math.max(...parts.map(({ cost }) => cost.peakRssMiB)), 0),
    peakScratchMiB: rounded(peakScratchMiB),
  };
};

/** The ratios of two ways. */
export const ratiosOf = (byHand: WayFigures, holdfast: WayFigures): EngineFigures['ratios'] => ({
  speedOfByHand: rounded(byHand.allSeconds / holdfast.allSeconds, 2),
  downOfByHand: rounded(holdfast.downSeconds / byHand.downSeconds, 2),
});
