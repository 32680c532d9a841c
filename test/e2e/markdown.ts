/** The part of a Markdown text below a heading of the second order, up to the next. @throws Error when there is none */
export const sectionOf = (markdown: string, heading: string): string => {
  const [, ...rest] = markdown.split(`\n## ${heading}\n`);
  const section = rest[0]?.split('\n## ')[0];
  if (section === undefined) throw new Error(`there is no section "${heading}"`);
  return section;
};

/** The part of a Markdown text before a heading of the second order. */
export const before = (markdown: string, heading: string): string => markdown.split(`\n## ${heading}\n`)[0] ?? '';

/** The shell blocks of a Markdown text, in order. */
export const shellBlocks = (markdown: string): string[] =>
  [...markdown.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
