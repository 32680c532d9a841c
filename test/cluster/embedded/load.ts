import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { ClusterError } from '../error.ts';
import { exportImages, imageId } from '../images/store.ts';
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
  const wanted = await Promise.all(names.map(async (name) => ({ name, id: await idOf(name) })));
  const missing = wanted.filter(({ name, id }) => loaded[name] !== id);
  if (missing.length === 0) return;
  const missingNames = missing.map(({ name }) => name);
  await progress.task(`Loading ${missing.length === 1 ? 'image' : 'images'} ${missingNames.join(', ')}`, () =>
    importImages(init.pid, missingNames),
  );
  const now = Object.fromEntries(missing.map(({ name, id }) => [name, id]));
  await writeJson(layout.images, { ...loaded, ...now });
};

const idOf = async (name: string): Promise<string> => {
  const id = await imageId(name);
  if (id !== undefined) return id;
  throw new ClusterError(`There is no image ${name} on this machine.`, 'Build it first; see docs/cluster.md.');
};

const importImages = async (nodePid: number, names: readonly string[]): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-image-'));
  try {
    const archive = join(directory, 'images.tar');
    await exportImages(names, archive);
    const enter = ['--target', String(nodePid), '--mount', '--net', '--pid', '--'];
    const ctr = ['ctr', '--address', CONTAINERD_SOCKET, '--namespace', 'k8s.io'];
    await execa('nsenter', [...enter, ...ctr, 'images', 'import', archive]);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
