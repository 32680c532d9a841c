import { sizeWords } from '../space.ts';
import { type Finding, passed } from '../verify/report.ts';
import { type Choice, setsUpTo } from './choose.ts';

const shownDigits = 12;

const keyWords = ({ chain: { encryption } }: Choice): string => {
  if (encryption === 'none') return 'not encrypted';
  return encryption.startsWith('gpg:')
    ? `decrypted with the private key ${encryption.slice(4).slice(-16)}`
    : 'decrypted with the passphrase';
};

/** What came out of a set. */
export interface Fetched {
  readonly files: number;
  readonly bytes: number;
  readonly seconds: number;
  /** The time that facts.json names. */
  readonly dataTime: string | undefined;
}

const madeWords = ({ set, unrecorded }: Choice, dataTime: string | undefined): string => {
  if (unrecorded !== undefined)
    return `Set of ${set.setTime}, which no ledger records; facts.json says data of ${dataTime ?? 'no time'}`;
  const facts = dataTime === undefined ? 'facts.json names no time' : 'as facts.json says';
  return `Set of ${set.setTime}, data of ${set.dataTime} (${facts}); its manifest has the recorded SHA-256 ${set.setDigest.slice(0, shownDigits)}…`;
};

/** Tells what fetching a set has shown, once nothing is wrong with it. */
export const tellFetched = (finding: Finding, choice: Choice, { files, bytes, seconds, dataTime }: Fetched): void => {
  const sets = setsUpTo(choice);
  const read = sets.flatMap((each) => each.files);
  const stored = read.reduce((sum, { size }) => sum + size, 0);
  passed(finding, 'created', madeWords(choice, dataTime));
  passed(
    finding,
    'readable',
    `${read.length} files of ${sets.length} sets (${sizeWords(stored)}) fetched in ${seconds} s with no cache, ${keyWords(choice)}`,
  );
  const what = choice.unrecorded === undefined ? 'have the recorded names, sizes and SHA-256' : 'came out of it';
  passed(finding, 'complete', `${files} files (${sizeWords(bytes)}) ${what}, facts.json included`);
  finding.sourceBytes = bytes;
};
