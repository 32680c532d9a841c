// What has to be known of a Dockerfile before it is built. Only the instructions used here are read: FROM, ARG before it, COPY, ADD.

/** The instructions, with continued lines joined and comments left out. */
const instructions = (dockerfile: string): string[] =>
  dockerfile
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\s*\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

const words = (line: string): string[] => line.split(/\s+/);

const isNamed = (line: string, ...names: string[]): boolean => names.includes((words(line)[0] ?? '').toUpperCase());

/** The images from outside that a Dockerfile starts from. An ARG before the first FROM counts with its default. */
export const baseImages = (dockerfile: string): string[] => {
  const lines = instructions(dockerfile);
  const first = lines.findIndex((line) => isNamed(line, 'FROM'));
  const defaults = new Map(
    lines
      .slice(0, Math.max(first, 0))
      .filter((line) => isNamed(line, 'ARG'))
      .map((line) => {
        const [name = '', ...value] = (words(line)[1] ?? '').split('=');
        return [name, value.join('=')] as const;
      }),
  );
  const substitute = (text: string) =>
    text.replaceAll(/\$\{?(\w+)\}?/g, (whole, name: string) => defaults.get(name) ?? whole);
  const stages = new Set(['scratch']);
  const bases = new Set<string>();
  for (const line of lines.filter((line) => isNamed(line, 'FROM'))) {
    const [image = '', , stage] = words(line)
      .slice(1)
      .filter((word) => !word.startsWith('--'));
    const name = substitute(image);
    if (!stages.has(name)) bases.add(name);
    if (stage !== undefined) stages.add(stage);
  }
  return [...bases];
};

/**
 * The files and directories of the context that a Dockerfile copies; undefined when that cannot be told by reading (a pattern, the whole
 * context, a variable).
 */
export const copiedPaths = (dockerfile: string): string[] | undefined => {
  const sources = instructions(dockerfile)
    .filter((line) => isNamed(line, 'COPY', 'ADD'))
    .map((line) => words(line).slice(1))
    .filter((args) => !args.some((argument) => argument.startsWith('--from=')))
    .flatMap((args) => args.filter((argument) => !argument.startsWith('--')).slice(0, -1))
    .map((path) => path.replace(/^(\.?\/)+/, '').replace(/\/+$/, ''));
  return sources.some((path) => path === '' || path === '.' || /[*?[\]$"']/.test(path))
    ? undefined
    : [...new Set(sources)];
};
