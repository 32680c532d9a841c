import { BlockList, isIPv4 } from 'node:net';
import { isClusterName, type Network, networkOf, SLOTS } from '../../cluster/embedded/layout.ts';

const slots = Array.from({ length: SLOTS }, (_, slot) => slot);
const [base = '', bits = ''] = '198.18.0.0/15'.split('/');
const range = new BlockList();
range.addSubnet(base, Number(bits));

const addresses = ({ hostAddress, nodeAddress, podCidr, nodePodCidr, serviceCidr, apiServiceAddress }: Network) =>
  [hostAddress, nodeAddress, podCidr, nodePodCidr, serviceCidr, apiServiceAddress].map(
    (text) => text.split('/')[0] ?? '',
  );

const bounds = (cidr: string): [number, number] => {
  const [address = '', length = ''] = cidr.split('/');
  const first = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return [first, first + 2 ** (32 - Number(length)) - 1];
};

test.each(slots)('slot %i lies in the range for benchmarks', (slot) => {
  const network = networkOf(slot);
  for (const address of addresses(network)) {
    expect(isIPv4(address)).toBe(true);
    expect(range.check(address)).toBe(true);
  }
  expect(network.hostInterface.length).toBeLessThan(16);
});

test('no two slots share an address or a name', () => {
  const networks = slots.map((slot) => networkOf(slot));
  expect(new Set(networks.map(({ hostInterface }) => hostInterface)).size).toBe(SLOTS);
  const ranges = networks
    .flatMap(({ podCidr, serviceCidr, nodeAddress, hostAddress }) => [
      podCidr,
      serviceCidr,
      `${nodeAddress}/32`,
      `${hostAddress}/32`,
    ])
    .map(bounds)
    .toSorted(([a], [b]) => a - b);
  for (const [index, [first]] of ranges.entries()) {
    const previous = ranges[index - 1];
    expect(first).toBeGreaterThan(previous === undefined ? -1 : previous[1]);
  }
});

test.each([-1, SLOTS, 1.5, Number.NaN])('there is no slot %d', (slot) => {
  expect(() => networkOf(slot)).toThrow(RangeError);
});

test.each([
  { name: 'holdfast', valid: true, reason: 'the default' },
  { name: 'a', valid: true, reason: 'one letter' },
  { name: 'test-1', valid: true, reason: 'digits and hyphens' },
  { name: '', valid: false, reason: 'empty' },
  { name: '../x', valid: false, reason: 'leads out of the directory' },
  { name: 'A', valid: false, reason: 'capitals' },
  { name: '-a', valid: false, reason: 'would be read as a flag' },
  { name: 'a'.repeat(41), valid: false, reason: 'too long' },
])('$name as a cluster’s name: $reason', ({ name, valid }) => {
  expect(isClusterName(name)).toBe(valid);
});
