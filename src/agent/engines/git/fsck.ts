import type { Ended } from '../../exec.ts';
import { oneLine } from '../../ship/reasons.ts';

/**
 * A complaint about the form of an object: its hash is right, so it is as it was made, by a tool that was less strict. `error in tag 1234…:
 * missingTaggerEntry: …`. Everything else that fsck says is about objects that are damaged, missing or wrongly linked.
 */
const flaw = /^(error|warning) in (blob|tree|commit|tag) [0-9a-f]+: [A-Za-z]+: /;

/** The bits of fsck's status that a flaw sets: an object, a pack. Missing objects and broken refs have bits of their own. */
const statusOfFlaws = 1 | 4;

/** What is said on the way and means nothing. */
const passedOver = /^(notice: |Checking |hint: |dangling |unreachable |$)/;

/** Collects what `git fsck` says, line by line. */
export const createFsckReport = () => {
  let flaws = 0;
  let damage: string | undefined;
  return {
    add(line: string): void {
      if (flaw.test(line)) flaws += 1;
      else if (!passedOver.test(line)) damage ??= oneLine(line);
    },
    /** How many flaws there are, or what is damaged. */
    verdict({ exitCode }: Pick<Ended, 'exitCode'>): { readonly flaws: number } | { readonly damaged: string } {
      if (damage !== undefined) return { damaged: damage };
      if (exitCode === 0 || (flaws > 0 && exitCode !== undefined && (exitCode & ~statusOfFlaws) === 0))
        return { flaws };
      return { damaged: `git fsck ended with status ${exitCode}` };
    },
  };
};
