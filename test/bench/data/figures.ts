import { rounded } from '../operator/figures.ts';

/** What one command cost on the machine that makes the backup: itself and all that it started, servers left out. */
export interface Cost {
  /** From its start to its end. */
  seconds: number;
  cpuSeconds: number;
  /** Most resident memory of all its processes together. */
  peakRssMiB: number;
  /** Most that lay in its temporary directories and caches, beyond the dump and beyond what lay there before. */
  peakScratchMiB: number;
}

/** One backup: the dump, then the shipping of it. */
export interface BackupCost {
  day: number;
  /** Missing where another's dump is shipped. */
  dump?: Cost;
  ship: Cost;
  /** Bytes of TCP that went to the backup host. */
  sentBytes: number;
}

/** What one way to back up cost over the days. */
export interface WayFigures {
  /** Day 0, then the days after it. */
  backups: readonly BackupCost[];
  /** Bytes of all files on the backup host at the end. */
  repositoryBytes: number;
  /** With no cache of its own and the kernel's dropped; every file was compared with what was backed up, byte by byte (SHA-256). */
  restores: readonly { day: number; cost: Cost }[];
}

/** The ways side by side. */
export interface Ways {
  byHand: WayFigures;
  holdfast: WayFigures;
  restic: WayFigures;
}

/** What the aims are stated in. All are shares of one; smaller is better but for the speed. */
export interface Ratios {
  /** Bytes sent for an incremental, on average, against those for the full. */
  incrementalOfFull: { byHand: number; holdfast: number; restic: number };
  /** Bytes that Holdfast sent for its incrementals against those of the commands used by hand. */
  incrementalOfByHand: number;
  /** Seconds by hand against Holdfast's, for the full: above 1, Holdfast is faster. Shipping alone, and the dump with it. */
  fullSpeedOfByHand: { ship: number; withDump: number };
  /** Bytes sent in all against restic's. */
  sentOfRestic: number;
}

/** The last line that the benchmark prints. */
export interface DataFigures extends Ways {
  megabytes: number;
  days: number;
  /** Size of the dump on day 0 and on the last day. */
  dumpBytes: { first: number; last: number };
  rows: { all: number; changedADay: number; addedADay: number };
  /** What no backup can be faster than: the database dumped and nothing else; the dump copied to the host by rsync and nothing else. */
  bounds: { dump: Cost; copy: Cost };
  ratios: Ratios;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const sent = ({ backups }: WayFigures): number => sum(backups.map(({ sentBytes }) => sentBytes));

const full = ({ backups }: WayFigures): BackupCost => {
  const [first] = backups;
  if (first === undefined) throw new Error('there is no full');
  return first;
};

/** NaN when there is no incremental. */
const incremental = ({ backups }: WayFigures): number =>
  sum(backups.slice(1).map(({ sentBytes }) => sentBytes)) / (backups.length - 1);

const secondsWithDump = ({ dump, ship }: BackupCost): number => (dump?.seconds ?? 0) + ship.seconds;

const ofFull = (way: WayFigures): number => rounded(incremental(way) / full(way).sentBytes, 3);

/** The ratios of what was measured. */
export const ratiosOf = ({ byHand, holdfast, restic }: Ways): Ratios => ({
  incrementalOfFull: { byHand: ofFull(byHand), holdfast: ofFull(holdfast), restic: ofFull(restic) },
  incrementalOfByHand: rounded(incremental(holdfast) / incremental(byHand), 3),
  fullSpeedOfByHand: {
    ship: rounded(full(byHand).ship.seconds / full(holdfast).ship.seconds, 2),
    withDump: rounded(secondsWithDump(full(byHand)) / secondsWithDump(full(holdfast)), 2),
  },
  sentOfRestic: rounded(sent(holdfast) / sent(restic), 3),
});

/** Rounds what was measured to what it can be trusted with. */
export const roundedCost = (cost: Cost): Cost => ({
  seconds: rounded(cost.seconds),
  cpuSeconds: rounded(cost.cpuSeconds),
  peakRssMiB: rounded(cost.peakRssMiB, 0),
  peakScratchMiB: rounded(cost.peakScratchMiB),
});
