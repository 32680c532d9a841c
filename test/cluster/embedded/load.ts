import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { ClusterError } from '../error.ts';
import { exportImage, imageId } from '../images/store.ts';
import type { Progress } from '../progress.ts';
import { CONTAINERD_SOCKET, type Layout } from './layout.ts';
import { readRecord, writeJson } from './record.ts';

const loadedSchema = z.record(z.string(), z.string());

const readLoaded = async (layout: Layout): Promise<Record<string, string>> => {
  const text = await readFile(layout.images, 'utf8').catch(() => '{}');
  return loadedSchema.parse(JSON.parse(text));
};

/** Imports images into the node's containerd, but for those whose very content was imported before. */
export const loadIntoNode = async (layout: Layout, names: readonly string[], progress: Progress): Promise<void> => {
  const record = await readRecord(layout);
  const init = record?.init;
  if (init === undefined) {
    throw new ClusterError(`Cluster ${record?.name ?? ''} is not running.`, 'Start it: npm run cluster:up');
  }
  const loaded = await readLoaded(layout);
  for (const name of names) {
    const id = await imageId(name);
    if (id === undefined) {
      throw new ClusterError(`There is no image ${name} on this machine.`, 'Build it first; see docs/cluster.md.');
    }
    if (loaded[name] === id) continue;
    await progress.task(`Loading image ${name}`, () => importImage(init.pid, name));
    loaded[name] = id;
    await writeJson(layout.images, loaded);
  }
};

const importImage = async (nodePid: number, name: string): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-image-'));
  try {
    const archive = join(directory, 'image.tar');
    await exportImage(name, archive);
    const enter = ['--target', String(nodePid), '--mount', '--net', '--pid', '--'];
    const ctr = ['ctr', '--address', CONTAINERD_SOCKET, '--namespace', 'k8s.io'];
    await execa('nsenter', [...enter, ...ctr, 'images', 'import', '--base-name', name, archive]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
