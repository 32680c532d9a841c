import * as fc from 'fast-check';
import { gitUrlPattern, parseGitUrl } from '../../../src/api/v1alpha1/sources/git-url.ts';

test.each([
  { url: 'https://git.example.com/ops/ansible.git', parts: { by: 'https', host: 'git.example.com', port: 443 } },
  { url: 'https://192.0.2.7:8443/a', parts: { by: 'https', host: '192.0.2.7', port: 8443 } },
  { url: 'ssh://git@h:2222/ops/ansible.git', parts: { by: 'ssh', user: 'git', host: 'h', port: 2222 } },
  { url: 'ssh://git@h/~me/a.git', parts: { by: 'ssh', user: 'git', host: 'h', port: 22 } },
  { url: 'git@h:ops/ansible.git', parts: { by: 'ssh', user: 'git', host: 'h', port: 22 } },
  { url: 'git@h:/srv/ansible.git', parts: { by: 'ssh', user: 'git', host: 'h', port: 22 } },
  { url: '/ops/ansible.git', parts: { by: 'path', path: '/ops/ansible.git' } },
])('$url is taken apart', ({ url, parts }) => {
  expect(parseGitUrl(url)).toEqual(parts);
});

test.each([
  { url: '', reason: 'empty' },
  { url: '/', reason: 'the root of the claim' },
  { url: '//etc', reason: 'two slashes' },
  { url: '/-x', reason: 'an option for a path' },
  { url: '/a/../b', reason: 'up and out' },
  { url: '-x', reason: 'an option' },
  { url: '--upload-pack=id', reason: 'an option that runs commands' },
  { url: 'ext::sh -c id', reason: 'a transport that runs commands' },
  { url: 'ext::id', reason: 'the same without spaces' },
  { url: 'file:///a', reason: 'a scheme for paths' },
  { url: 'http://h/a', reason: 'in the clear' },
  { url: 'git://h/a', reason: 'unproven' },
  { url: 'HTTPS://h/a', reason: 'a scheme in other letters' },
  { url: 'https://u:p@h/a', reason: 'a password' },
  { url: 'https://u@h/a', reason: 'a user' },
  { url: 'https://h', reason: 'no path' },
  { url: 'https://h:/a', reason: 'an empty port' },
  { url: 'ssh://h/a', reason: 'no user' },
  { url: 'ssh://-oProxyCommand=id/a', reason: 'an option for a host' },
  { url: 'ssh://git@-oX/a', reason: 'the same after a user' },
  { url: 'git@-oX:a', reason: 'the same as scp writes it' },
  { url: 'git@h:-a', reason: 'an option for a path on the host' },
  { url: '-oX@h:a', reason: 'an option for a user' },
  { url: 'git@h:a b', reason: 'a space' },
  { url: 'git@h:a\nb', reason: 'a newline' },
  { url: `git@h:a';id;'`, reason: 'a quote' },
])('$url is none: $reason', ({ url }) => {
  expect(parseGitUrl(url)).toBeUndefined();
});

test('what passes has no character of a shell, no option, and one reading', () => {
  const piece = fc.constantFrom(
    'https://',
    'ssh://',
    'git@',
    'h',
    ':',
    '/',
    '-',
    '..',
    '22',
    'ext::',
    '@',
    '~',
    '%',
    ' ',
    '$(id)',
    '\n',
    "'",
  );
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 12 }), (pieces) => {
      const url = pieces.join('');
      const parts = parseGitUrl(url);
      if (parts === undefined) return;
      expect(url).toMatch(gitUrlPattern);
      expect(url).not.toMatch(/[\s$()'"`;|&<>\\]|^-|::/);
      expect(parts.by === 'path' ? parts.path : `/${parts.host}`).toMatch(/^\/[A-Za-z0-9._~]/);
    }),
    { numRuns: 2000 },
  );
});

test('no address, however made, takes the pattern long', () => {
  const piece = fc.constantFrom('a', '-', '.', '@', ':', '/', '1', '\0');
  const outcome = fc.check(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 20 }), fc.nat(100), (pieces, times) => {
      const value = pieces.join('').repeat(times + 1);
      const began = performance.now();
      gitUrlPattern.test(value);
      return performance.now() - began < 200;
    }),
    { numRuns: 300 },
  );
  expect(outcome.failed).toBe(false);
});
