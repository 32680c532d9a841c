import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa, ExecaError } from 'execa';
import { helmArguments, installOutputs } from './install.ts';
import type { Output } from './output.ts';
import { outputs } from './outputs.ts';

/*
 * `npm run generate`: writes all that is derived from the schemas. Rendering manifests/install needs Helm 4: `helm` on the PATH, or the
 * program that the environment variable HELM names.
 */

const root = fileURLToPath(new URL('../../', import.meta.url));

const write = async (files: readonly Output[]): Promise<void> => {
  for (const { path: name, content } of files) {
    const file = path.join(root, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
    process.stdout.write(`wrote ${name}\n`);
  }
};

const render = async (): Promise<string> => {
  const helm = process.env['HELM'] ?? 'helm';
  try {
    const { stdout } = await execa(helm, helmArguments(path.join(root, 'charts/holdfast')));
    return stdout;
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    const why = error.code === 'ENOENT' ? `${helm} was not found` : String(error.stderr);
    throw new Error(
      `manifests/install is not written, for helm could not render charts/holdfast: ${why}. Put Helm 4 on the PATH, or its path into HELM; the tests keep one in ~/.cache/holdfast/hyperkube/*/helm.`,
      { cause: error },
    );
  }
};

try {
  await write(outputs());
  await write(installOutputs(await render()));
} catch (error) {
  process.stderr.write(`npm run generate: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
