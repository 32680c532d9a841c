/** The shell blocks of a Markdown text, in order; those of one variant (`sh volume`), or those of none. */
export const shellBlocks = (markdown: string, variant?: string): string[] => {
  const language = variant === undefined ? 'sh' : `sh ${variant}`;
  return [...markdown.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].flatMap(([, info, block = '']) =>
    info === language ? [block] : [],
  );
};

/** The text without the sections of which `drop` says so by their titles. */
export const withoutSections = (markdown: string, drop: (title: string) => boolean): string =>
  markdown
    .split(/^(?=## )/m)
    .filter((section) => !section.startsWith('## ') || !drop(section.slice(3, section.indexOf('\n'))))
    .join('');

/** The part of a Markdown text below a heading of the second order, up to the next. @throws Error when there is none */
export const sectionOf = (markdown: string, heading: string): string => {
  const [, ...rest] = markdown.split(`\n## ${heading}\n`);
  const section = rest[0]?.split('\n## ')[0];
  if (section === undefined) throw new Error(`there is no section "${heading}"`);
  return section;
};
