/** What `beforeAll` or `beforeEach` makes. @throws Error when it is asked for before */
export const there = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('asked for before the tests began');
  return value;
};
