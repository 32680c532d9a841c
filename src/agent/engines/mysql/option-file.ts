import { open } from 'node:fs/promises';

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
};

/** A value as MariaDB's option files take it: in double quotes, so that `#` and outer spaces stay, with their escapes. */
export const quoteOption = (value: string): string =>
  `"${value.replaceAll(/[\\"\n\r\t\b]/g, (character) => escapes[character] ?? character)}"`;

/** Writes an option file that only its owner can read: the one way to hand over a password that shows neither in arguments nor environment. */
export const writeOptionFile = async (path: string, options: Readonly<Record<string, string>>): Promise<void> => {
  const lines = Object.entries(options).map(([name, value]) => `${name}=${quoteOption(value)}`);
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(`[client]\n${lines.join('\n')}\n`);
  } finally {
    await handle.close();
  }
};
