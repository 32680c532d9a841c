import { failureOf, StepFailure } from '../../../src/agent/failure-of.ts';
import { failure } from '../../../src/api/v1alpha1/result.ts';
import { RunError } from '../../../src/errors/run-error.ts';

const coded = (code: string): Error => Object.assign(new Error(`${code}: something`), { code });
const same = (text: string): string => text;

test.each([
  { thrown: new RunError('AccessDenied', 'x.'), reason: 'AccessDenied' },
  { thrown: new StepFailure('Dump', new RunError('DumpFailed', 'x.')), reason: 'DumpFailed' },
  { thrown: new StepFailure('Finish', coded('ENOSPC')), reason: 'OutOfScratchSpace' },
  { thrown: coded('EDQUOT'), reason: 'OutOfScratchSpace' },
  { thrown: coded('EROFS'), reason: 'ClaimUnusable' },
  { thrown: coded('EIO'), reason: 'ClaimUnusable' },
  { thrown: new TypeError('undefined is not a function'), reason: 'InternalError' },
  { thrown: 'a string', reason: 'InternalError' },
  { thrown: undefined, reason: 'InternalError' },
])('$thrown is $reason', ({ thrown, reason }) => {
  expect(failure.parse(failureOf(thrown, 'Connect', same)).reason).toBe(reason);
});

test('the step is the one that the error came from, else the present one', () => {
  expect(failureOf(new StepFailure('Dump', new Error('x')), 'Prepare', same).step).toBe('Dump');
  expect(failureOf(new Error('x'), 'Check', same).step).toBe('Check');
});

test('messages are one line, redacted, and of limited length', () => {
  const thrown = new Error(`first\nsecond geheim ${'x'.repeat(2000)}`);
  const { message } = failureOf(thrown, 'Dump', (text) => text.replaceAll('geheim', '[redacted]'));
  expect(message).toMatch(/^first second \[redacted\] x+…$/);
  expect(message.length).toBeLessThanOrEqual(640);
});
