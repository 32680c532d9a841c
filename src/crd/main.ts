import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { outputs } from './outputs.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

for (const { path: name, content } of outputs()) {
  const file = path.join(root, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
  process.stdout.write(`wrote ${name}\n`);
}
