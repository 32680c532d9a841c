import { judgeUpload, type UploadEvidence } from '../../../../src/agent/ship/check.ts';

const stamp = '20261122T010501Z';
const newStamp = '20261123T011002Z';
const earlierFile = { name: `duplicity-full.${stamp}.vol1.difftar`, size: 9 };
const own = [
  { name: `duplicity-inc.${stamp}.to.${newStamp}.vol1.difftar`, size: 100 },
  { name: `duplicity-inc.${stamp}.to.${newStamp}.vol2.difftar`, size: 50 },
  { name: `duplicity-new-signatures.${stamp}.to.${newStamp}.sigtar.gz`, size: 10 },
  { name: `duplicity-inc.${stamp}.to.${newStamp}.manifest`, size: 5 },
];
const evidence: UploadEvidence = {
  files: [earlierFile, ...own],
  earlier: [
    {
      type: 'Full',
      setTime: '2026-11-22T01:05:01Z',
      dataTime: '2026-11-22T01:00:03Z',
      completionTime: '2026-11-22T01:06:00Z',
      durationSeconds: 9,
      sizeBytes: 9,
      sentBytes: 9,
      jobName: 'j',
      setDigest: 'a'.repeat(64),
      copy: 'c',
      files: [earlierFile],
    },
  ],
  setTime: newStamp,
  manifest: 'Hostname h\nVolume 1:\n    Hash SHA1 a\nVolume 2:\n    Hash SHA1 b\n',
  statistics: { sourceFiles: 3, rawDeltaSize: 200, totalDestinationSizeChange: 150, errors: 0 },
  sourceEntries: 3,
  status: {
    complete: true,
    sets: [
      { type: 'full', time: stamp, volumes: 1 },
      { type: 'inc', time: newStamp, volumes: 2 },
    ],
    orphaned: 0,
    incomplete: 0,
  },
};
const status = evidence.status ?? { complete: false, sets: [], orphaned: 0, incomplete: 0 };
const statistics = evidence.statistics;
const withFile = (index: number, size?: number) => [
  earlierFile,
  ...own.flatMap((file, at) => (at !== index ? [file] : size === undefined ? [] : [{ ...file, size }])),
];

test('a whole set is whole', () => {
  expect(judgeUpload(evidence)).toEqual({ whole: true, files: own });
});

test.each<{ reason: string; change: Partial<UploadEvidence>; says: string }>([
  { reason: 'the last volume is missing', change: { files: withFile(1) }, says: 'volume 2 of 2 is missing' },
  { reason: 'the first volume is missing', change: { files: withFile(0) }, says: 'volume 1 of 2 is missing' },
  { reason: 'a volume is cut off', change: { files: withFile(1, 49) }, says: '149 bytes, 150 were sent' },
  { reason: 'a volume is empty', change: { files: withFile(1, 0) }, says: 'is empty' },
  { reason: 'the signatures are missing', change: { files: withFile(2) }, says: '0 signature files' },
  { reason: 'the signatures are empty', change: { files: withFile(2, 0) }, says: 'is empty' },
  { reason: 'the manifest is missing', change: { files: withFile(3) }, says: '0 manifests' },
  { reason: 'the repository is empty', change: { files: [] }, says: '0 manifests' },
  { reason: 'an earlier set lost a file', change: { files: own }, says: 'earlier set is missing' },
  {
    reason: 'an earlier set changed',
    change: { files: [{ ...earlierFile, size: 8 }, ...own] },
    says: 'earlier set changed',
  },
  {
    reason: 'a volume too many',
    change: { files: [...evidence.files, { name: `duplicity-inc.${stamp}.to.${newStamp}.vol3.difftar`, size: 1 }] },
    says: '3 volumes instead of 2',
  },
  { reason: 'a manifest without volumes', change: { manifest: 'Hostname h\n' }, says: 'lists no volume' },
  { reason: 'a manifest with a gap', change: { manifest: 'Volume 1:\nVolume 3:\n' }, says: 'leaves volumes out' },
  {
    reason: 'a file could not be read',
    change: { statistics: { ...statistics, errors: 1 } },
    says: 'could not be read',
  },
  {
    reason: 'fewer files were read',
    change: { statistics: { ...statistics, sourceFiles: 2 } },
    says: '2 files were read instead of 3',
  },
  { reason: 'duplicity has no opinion', change: { status: undefined }, says: 'does not find the chain complete' },
  {
    reason: 'duplicity finds the chain incomplete',
    change: { status: { ...status, complete: false } },
    says: 'chain complete',
  },
  { reason: 'duplicity finds an orphan', change: { status: { ...status, orphaned: 1 } }, says: 'chain complete' },
  {
    reason: 'duplicity counts no orphans',
    change: { status: { ...status, incomplete: Number.NaN } },
    says: 'chain complete',
  },
  {
    reason: 'duplicity finds only the old set',
    change: { status: { ...status, sets: status.sets.slice(0, 1) } },
    says: 'other sets',
  },
])('not whole: $reason', ({ change, says }) => {
  const verdict = judgeUpload({ ...evidence, ...change });
  expect(verdict).toMatchObject({ whole: false, problem: expect.stringContaining(says) as string });
});
