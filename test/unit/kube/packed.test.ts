import { assert, array, jsonValue, property } from 'fast-check';
import { createPacker } from '../../../src/kube/packed.ts';
import { rawCronJob } from '../../support/operator/runs.ts';

test('what was packed comes back, whatever it is and in whatever order', () => {
  assert(
    property(array(jsonValue({ maxDepth: 3, stringUnit: 'binary' }), { minLength: 1, maxLength: 5 }), (values) => {
      const packer = createPacker<unknown>();
      const packed = values.map((value) => packer.pack(value));
      expect(packed.map((text) => packer.unpack(text)).toReversed()).toEqual(
        values.map((value): unknown => JSON.parse(JSON.stringify(value))).toReversed(),
      );
    }),
  );
});

test('a value larger than the window comes back', () => {
  const packer = createPacker<{ text: string }>();
  const large = { text: Array.from({ length: 40_000 }, (_unused, index) => index.toString(36)).join(' ') };
  const other = { text: `${large.text}!` };
  expect([packer.pack(large), packer.pack(other)].map((packed) => packer.unpack(packed))).toEqual([large, other]);
});

test('objects of one kind take a small part of their text', () => {
  const packer = createPacker();
  packer.pack(rawCronJob({ policy: 'first' }));
  const cronJob = rawCronJob({ policy: 'second', namespace: 'elsewhere', policyUid: 'another-uid' });
  expect(packer.pack(cronJob).length).toBeLessThan(JSON.stringify(cronJob).length / 4);
});

test('what another packed is not read as something else', () => {
  const packer = createPacker();
  expect(() => packer.unpack('x')).toThrow('nothing was packed yet');
});
