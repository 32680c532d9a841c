import { generatedNotice } from './yaml.ts';

/** Text that Markdown and a table's cell show as it is: code in backticks stays code. */
export const cell = (text: string): string =>
  text
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith('`') ? part : part.replaceAll(/[\\*_<>]/g, String.raw`\$&`)))
    .join('')
    .replaceAll('|', String.raw`\|`)
    .replaceAll('\n', ' ');

/** A table. The formatter leaves it alone: aligned, its longest cell would make every line as long. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [
    '<!-- prettier-ignore -->',
    ...[head, head.map(() => '---'), ...rows.map((row) => row.map(cell))].map((row) => `| ${row.join(' | ')} |`),
  ].join('\n');

/** A whole document with its title. */
export const document = (title: string, parts: readonly string[]): string =>
  `${[`<!-- ${generatedNotice} -->`, `# ${title}`, ...parts].join('\n\n')}\n`;
