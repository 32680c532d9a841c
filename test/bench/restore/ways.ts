import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Gate } from '../../../src/api/v1alpha1/gate.ts';
import type { Result } from '../../../src/api/v1alpha1/result.ts';
import type { RestorePoint } from '../../../src/api/v1alpha1/restore-report.ts';
import { replaceFile } from '../../../src/agent/disk.ts';
import { makeDuplicityByHand } from '../data/by-hand.ts';
import type { Cost } from '../data/figures.ts';
import { bytesBelow } from '../data/measured.ts';
import type { Place } from '../data/place.ts';
import type { PolicyRun } from '../verify/policy.ts';
import type { Part } from './figures.ts';
import type { RestoreStage } from './stages.ts';

/** What one way did, part by part. */
export interface Restored {
  readonly parts: readonly Part[];
  readonly peakScratchMiB: number;
}

export interface ByHand {
  /** Dumps and stores what is there now. */
  backUp(): Promise<void>;
  restore(): Promise<Restored>;
}

export interface Holdfast {
  backUp(): Promise<void>;
  restore(): Promise<Restored & { readonly point: RestorePoint; readonly check: Result }>;
}

const mebibyte = 1024 ** 2;

/** Runs parts one after the other, and keeps the most that lay in directories at any time, beyond what lay there at the beginning. */
const makeParts = async (directories: readonly string[]) => {
  const lies = async (): Promise<number> =>
    (await Promise.all(directories.map(bytesBelow))).reduce((total, bytes) => total + bytes, 0) / mebibyte;
  const atFirst = await lies();
  const parts: Part[] = [];
  let peak = 0;
  return {
    async add(name: string, down: boolean, work: () => Promise<Cost>): Promise<void> {
      const before = (await lies()) - atFirst;
      const cost = await work();
      peak = Math.max(peak, before + cost.peakScratchMiB);
      parts.push({ name, down, cost });
    },
    done: (): Restored => ({ parts, peakScratchMiB: peak }),
  };
};

/** The commands used by hand: a dump, duplicity with its defaults, and what loads it: the application is down for that. */
export const makeByHandRestore = async (place: Place, name: string, stage: RestoreStage): Promise<ByHand> => {
  const home = join(place.path, `${name}-by-hand`);
  const [data, target, own] = [join(home, 'data'), join(home, 'restored'), join(home, 'home')];
  await mkdir(data, { recursive: true });
  const duplicity = await makeDuplicityByHand(place, `${name}-by-hand`);
  return {
    async backUp() {
      await stage.dumpByHand(data);
      await duplicity.store(join(home, 'storing'), 'full', data);
    },
    async restore() {
      const watch = [target, stage.serverDirectory];
      const parts = await makeParts([own, ...watch]);
      await parts.add('fetch', false, () => duplicity.restore(own, target, [], watch));
      for (const { command, environment } of stage.loadByHand(target))
        await parts.add('load', true, () => place.run(own, command, { watch, ...(environment && { environment }) }));
      await rm(home, { recursive: true });
      return parts.done();
    },
  };
};

/** Says over and over that the workloads are down, as the operator does. */
const held = async <T>(file: string, work: () => Promise<T>): Promise<T> => {
  const say = (): Promise<void> => {
    const now = new Date().toISOString();
    return replaceFile(file, JSON.stringify({ state: 'Held', since: now, asOf: now } satisfies Gate));
  };
  await say();
  const timer = setInterval(() => void say(), 2000);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
};

/** The containers of a restore in place, as processes: each is given what its pod gives it. */
export const makeHoldfastRestore = (policy: PolicyRun, stage: RestoreStage): Holdfast => {
  const { common, remote, decryption, claim, fetched, run } = policy;
  const restore = { ...common, kind: 'Restore', request: { name: 'measured', uid: 'b0b1' } } as const;
  const watch = [claim, fetched, stage.serverDirectory];
  return {
    backUp: () => policy.backUp(stage.source),
    async restore() {
      const resolved = await run('resolve', {
        ...restore,
        ...remote,
        point: { by: 'Latest' },
        acceptUnrecorded: false,
        encryption: 'gpg',
      });
      const point = resolved.result.restore?.point;
      if (point === undefined) throw new Error(`resolve: ${JSON.stringify(resolved.result.failure)}`);
      const destination = {
        ...restore,
        target: stage.target,
        into: { by: 'InPlace' },
        id: '0a1b2c3d',
        fetched,
        set: point.set,
      } as const;
      const gate = { file: join(claim, 'gate'), waitSeconds: 30 };
      const parts = await makeParts(watch);
      const results: Result[] = [];
      const part = (down: boolean, ...[name, task]: Parameters<typeof run>): Promise<void> =>
        parts.add(name, down, async () => {
          const { cost, result } = await run(name, task, watch);
          results.push(result);
          return cost;
        });
      await part(false, 'bring', { ...restore, ...remote, decryption, set: point.set, fetched });
      await part(false, 'load', destination);
      await held(gate.file, () => part(true, 'swap', { ...destination, gate }));
      await part(true, 'check', destination);
      const check = results.at(-1);
      // What is not compared in place, and equal, is not a restore that counts.
      if (check?.restore?.state !== 'Replaced' || check.restore.compared?.factsDigest === undefined)
        throw new Error(`it is not proven that all is in place: ${JSON.stringify(check)}`);
      return { ...parts.done(), point, check };
    },
  };
};
