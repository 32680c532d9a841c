/** One message of duplicity's `--log-fd`: a control line `KEYWORD code extra`, then lines of data, then text after ". ". */
export interface LogEntry {
  level: 'DEBUG' | 'INFO' | 'NOTICE' | 'WARNING' | 'ERROR';
  code: number;
  extra: string;
  /** Lines for programs, as `collection-status` gives them. */
  data: string[];
  /** The message for people. */
  text: string;
}

const control = /^(DEBUG|INFO|NOTICE|WARNING|ERROR) (\d+) ?(.*)$/;
const levels = ['DEBUG', 'INFO', 'NOTICE', 'WARNING', 'ERROR'] as const;

/** Parses all that duplicity wrote to `--log-fd`. A message that was cut off is kept as far as it goes. */
export const parseLog = (output: string): LogEntry[] => {
  const entries: LogEntry[] = [];
  let texts: string[] = [];
  let current: LogEntry | undefined;
  for (const text of output.split('\n')) {
    const match = text.startsWith('.') ? null : control.exec(text);
    const level = levels.find((name) => name === match?.[1]);
    if (match && level && current === undefined) {
      texts = [];
      current = { level, code: Number(match[2]), extra: match[3] ?? '', data: [], text: '' };
      entries.push(current);
    } else if (text === '') {
      current = undefined;
    } else if (text.startsWith('.') && current) {
      texts.push(text.slice(2));
      current.text = texts.join('\n').trim();
    } else {
      current?.data.push(text);
    }
  }
  return entries;
};

/** The numbers of the text "Backup Statistics"; `--jsonstat` has null for what matters here. */
export interface BackupStatistics {
  /** Files and directories read. */
  sourceFiles: number;
  /** Bytes of changed data put into the set, before compression. */
  rawDeltaSize: number;
  /** Sum of the sizes of the volumes as uploaded. */
  totalDestinationSizeChange: number;
  /** Files that could not be read. */
  errors: number;
}

/** Finds the statistics of a backup in the log; undefined when they, or one of the numbers, are missing. */
export const backupStatistics = (entries: readonly LogEntry[]): BackupStatistics | undefined => {
  const text = entries.findLast((entry) => entry.text.includes('[ Backup Statistics ]'))?.text;
  const numberOf = (name: string): number | undefined => {
    const found = new RegExp(`^${name} (\\d+)( |$)`, 'm').exec(text ?? '')?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const sourceFiles = numberOf('SourceFiles');
  const rawDeltaSize = numberOf('RawDeltaSize');
  const totalDestinationSizeChange = numberOf('TotalDestinationSizeChange');
  const errors = numberOf('Errors');
  if (
    sourceFiles === undefined ||
    rawDeltaSize === undefined ||
    totalDestinationSizeChange === undefined ||
    errors === undefined
  )
    return undefined;
  return { sourceFiles, rawDeltaSize, totalDestinationSizeChange, errors };
};

/** What `collection-status` says of the primary chain. */
export interface CollectionStatus {
  complete: boolean;
  sets: { type: 'full' | 'inc'; time: string; volumes: number }[];
  orphaned: number;
  incomplete: number;
}

/** Finds the machine-readable part of `collection-status` in the log (INFO 3). */
export const collectionStatus = (entries: readonly LogEntry[]): CollectionStatus | undefined => {
  const data = entries.findLast((entry) => entry.level === 'INFO' && entry.code === 3)?.data;
  if (data === undefined) return undefined;
  const count = (name: string): number => {
    const found = data.find((text) => text.startsWith(`${name} `));
    return found === undefined ? Number.NaN : Number(found.slice(name.length + 1));
  };
  return {
    complete: data.includes('chain-complete'),
    sets: data.flatMap((text) => {
      const [, type, time, volumes] = /^ (full|inc) (\d{8}T\d{6}Z) (\d+) /.exec(text) ?? [];
      if ((type !== 'full' && type !== 'inc') || time === undefined) return [];
      return [{ type, time, volumes: Number(volumes) }];
    }),
    orphaned: count('orphaned-sets-num'),
    incomplete: count('incomplete-sets-num'),
  };
};

/** A failed attempt that duplicity made again: what counts is the end of the run and the listing after it. */
const retried = /^Attempt of \S+ Nr\. \d+ failed\./;

/** Warnings and errors that deny a success whatever the exit status says: files not read, sets orphaned, uploads given up. */
export const objections = (entries: readonly LogEntry[]): LogEntry[] =>
  entries.filter(({ level, text }) => level === 'ERROR' || (level === 'WARNING' && text !== '' && !retried.test(text)));
