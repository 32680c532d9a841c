import { execa } from 'execa';
import { ensureHyperkube } from './hyperkube.ts';
import type { Progress } from './progress.ts';

/** kubectl or helm: the one on PATH, else our own build of it. */
export const findTool = async (tool: 'kubectl' | 'helm', progress: Progress): Promise<string> => {
  const args = tool === 'kubectl' ? ['version', '--client'] : ['version'];
  const found = await execa(tool, args, { reject: false, stdin: 'ignore' });
  return found.failed ? (await ensureHyperkube(progress)).path(tool) : tool;
};
