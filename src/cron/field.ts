import type { CronField } from './schedule.ts';

/** One of the five fields: its name in messages, its bounds and the names that stand for numbers. */
export interface FieldRule {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Lower-case names; the first stands for `min`. */
  readonly names: readonly string[];
}

/** What is wrong with a field; the caller adds the line. */
export class FieldProblem extends Error {}

const largestGoInt = 9_223_372_036_854_775_807n;

/** A number as Go's strconv.Atoi reads it (a leading `+` and zeros are fine), or undefined. */
const goInt = (text: string): number | undefined => {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^[+-]/, ''));
  if (value > largestGoInt) return undefined;
  return text.startsWith('-') ? -Number(value) : Number(value);
};

// Go lowers one letter at a time and makes a plain i of the dotted capital; JavaScript makes two characters of it.
const goLower = (text: string): string => text.replaceAll('İ', 'i').toLowerCase();

const advice = ({ name, min, max, names }: FieldRule): string => {
  if (name === 'day of week') return 'write 0 to 6 or sun to sat (Sunday is 0 or sun; 7, L and # do not exist here)';
  if (names.length > 0) return `write ${min} to ${max} or ${names.at(0)} to ${names.at(-1)}`;
  return `write a number from ${min} to ${max}`;
};

const readValue = (text: string, item: string, rule: FieldRule): number => {
  const named = rule.names.indexOf(goLower(text));
  if (named >= 0) return rule.min + named;

  const value = goInt(text);
  if (value === undefined || value < rule.min || value > rule.max) {
    throw new FieldProblem(`${rule.name} "${item}": "${text}" is not allowed; ${advice(rule)}`);
  }
  return value;
};

const readStep = (text: string, item: string, rule: FieldRule): number => {
  const step = goInt(text);
  if (step === undefined || step < 1) {
    throw new FieldProblem(
      `${rule.name} "${item}": the step "${text}" is not allowed; write a number from 1, such as */15`,
    );
  }
  return step;
};

const readItem = (item: string, rule: FieldRule): { values: number[]; star: boolean } => {
  const [range = '', stepText, ...furtherSteps] = item.split('/');
  if (furtherSteps.length > 0) {
    throw new FieldProblem(
      `${rule.name} "${item}": more than one "/"; write one step, such as ${rule.min}-${rule.max}/2`,
    );
  }
  const step = stepText === undefined ? 1 : readStep(stepText, item, rule);

  const [low = '', high, ...furtherBounds] = range.split('-');
  // robfig looks at nothing that follows `*-`.
  const wild = low === '*' || low === '?';
  if (furtherBounds.length > 0 && !wild) {
    throw new FieldProblem(
      `${rule.name} "${item}": more than one "-"; write one range, such as ${rule.min}-${rule.max}`,
    );
  }

  const start = wild ? rule.min : readValue(low, item, rule);
  // A number with a step but no end runs to the field's maximum: 5/15 is 5-59/15.
  const open = wild || (high === undefined && stepText !== undefined);
  const end = open ? rule.max : high === undefined ? start : readValue(high, item, rule);
  if (start > end) {
    throw new FieldProblem(
      `${rule.name} "${item}": the range runs backwards; write two ranges, "${low}-${rule.max},${rule.min}-${high}"`,
    );
  }

  const values: number[] = [];
  for (let value = start; value <= end; value += step) values.push(value);
  return { values, star: wild && step === 1 };
};

/**
 * Reads one field: a list of `*`, `?`, numbers, names, ranges and steps, as robfig/cron v3.0.1 does (`getField`), which also overlooks
 * empty items of the list.
 *
 * @throws FieldProblem that names the field, the value and what to write instead
 */
export const parseField = (text: string, rule: FieldRule): CronField => {
  const items = text
    .split(',')
    .filter((item) => item !== '')
    .map((item) => readItem(item, rule));
  const values = [...new Set(items.flatMap((item) => item.values))].toSorted((a, b) => a - b);
  return Object.freeze({ values: Object.freeze(values), star: items.some((item) => item.star) });
};
