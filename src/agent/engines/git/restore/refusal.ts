import { lastWords, type Ended } from '../../../exec.ts';

/** Why the server refused, by its own words: `!  <from>:<to>  [remote rejected] (why)`, and what it says beside. */
export const refusal = (ended: Ended): string => {
  const rejected = ended.stdout
    .split('\n')
    .filter((line) => line.startsWith('!') && !/atomic (push failed|transaction failed)/.test(line))
    .map((line) =>
      line
        .split('\t')
        .slice(1)
        .join(' ')
        .replace(/^\S*:(\S+)/, '$1'),
    );
  const remote = ended.stderr
    .split('\n')
    .flatMap((line) =>
      /^remote: ?(.*\S)/.exec(line)?.[1] !== undefined ? [line.replace(/^remote: ?/, '').trim()] : [],
    );
  const words = [...rejected.slice(0, 2), ...remote.slice(0, 2)];
  return (words.length > 0 ? words.join('; ') : lastWords('git', ended)).replace(/\.$/, '');
};
