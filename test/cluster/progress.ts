import type { Writable } from 'node:stream';

/** Where progress is written: a terminal is rewritten in place, anything else gets whole lines. */
export type ProgressStream = Writable & { isTTY?: boolean; columns?: number };

/** Tells a waiting person what is going on. */
export type Progress = {
  /** One line. */
  say(line: string): void;
  /** Runs `work` under a title, with the time elapsed and whatever `work` reports by `detail`. */
  task<T>(title: string, work: (detail: (text: string) => void) => Promise<T>): Promise<T>;
};

const QUIET_INTERVAL_MS = 15_000;
const TERMINAL_INTERVAL_MS = 500;

/** `95_000` → `1 min 35 s`. */
export const elapsed = (milliseconds: number): string => {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
};

/**
 * Progress on a stream, standard error unless told (standard output is for results). Without a terminal a task writes a line when
 * it starts, every 15 s, and when it ends.
 */
export const createProgress = (stream: ProgressStream = process.stderr): Progress => {
  const terminal = stream.isTTY === true;
  const say = (line: string) => void stream.write(`${terminal ? '\r\u001B[K' : ''}${line}\n`);

  return {
    say,
    task: async (title, work) => {
      const start = performance.now();
      let text = '';
      const line = () => `  ${title}${text === '' ? '' : `: ${text}`} (${elapsed(performance.now() - start)})`;
      const draw = () =>
        stream.write(terminal ? `\r\u001B[K${line().slice(0, (stream.columns ?? 120) - 1)}` : `${line()}\n`);
      if (!terminal) stream.write(`  ${title}\n`);
      const timer = setInterval(draw, terminal ? TERMINAL_INTERVAL_MS : QUIET_INTERVAL_MS);
      try {
        const result = await work((detail) => {
          text = detail;
        });
        say(`✓ ${title} (${elapsed(performance.now() - start)})`);
        return result;
      } catch (error) {
        say(`✗ ${line().trim()}`);
        throw error;
      } finally {
        clearInterval(timer);
      }
    },
  };
};

/** Progress that nobody reads. */
export const silentProgress: Progress = {
  say: () => {},
  task: async (_title, work) => await work(() => {}),
};
