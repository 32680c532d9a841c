import { chooseProvider, type Machine } from '../../cluster/provider.ts';

const bare: Machine = { kubeconfig: undefined, docker: false, platform: 'linux', root: false, go: false };
const able: Machine = { ...bare, root: true, go: true };

describe('the provider of the cluster', () => {
  test.each([
    { machine: { ...able, kubeconfig: '/k', docker: true }, expected: 'external', reason: 'KUBECONFIG goes first' },
    { machine: { ...able, kubeconfig: '', docker: true }, expected: 'kind', reason: 'an empty KUBECONFIG is none' },
    {
      machine: { ...able, docker: true },
      expected: 'kind',
      reason: 'a Docker engine goes before the embedded cluster',
    },
    {
      machine: { ...bare, docker: true, platform: 'darwin' },
      expected: 'kind',
      reason: 'kind needs neither root nor Linux',
    },
    { machine: able, expected: 'embedded', reason: 'what is left' },
    { machine: { ...bare, kubeconfig: '/k' }, expected: 'external', reason: 'a cluster that is there needs nothing' },
  ] as const)('$expected: $reason', ({ machine, expected }) => {
    expect(chooseProvider(machine)).toBe(expected);
  });

  test.each(['external', 'kind', 'embedded'] as const)('%s when told so, whatever else there is', (wanted) => {
    expect(chooseProvider({ ...able, kubeconfig: '/k', docker: true }, wanted)).toBe(wanted);
  });

  test.each([
    { machine: bare, wanted: undefined, missing: /KUBECONFIG.*Docker.*root; Go/s, reason: 'nothing is there' },
    {
      machine: { ...able, platform: 'darwin' },
      wanted: undefined,
      missing: /Linux \(this is darwin\)/,
      reason: 'not Linux',
    },
    { machine: able, wanted: 'external', missing: /KUBECONFIG is not set/, reason: 'no KUBECONFIG' },
    { machine: able, wanted: 'kind', missing: /Docker engine/, reason: 'a client without an engine' },
    { machine: { ...able, root: false }, wanted: 'embedded', missing: /Missing: root\./, reason: 'not root' },
    { machine: { ...able, go: false }, wanted: 'embedded', missing: /Missing: Go 1\.25/, reason: 'no Go' },
  ] as const)('an error that names what is missing: $reason', ({ machine, wanted, missing }) => {
    expect(() => chooseProvider(machine, wanted)).toThrow(missing);
  });
});
