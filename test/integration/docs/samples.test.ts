import { apiOf } from '../../cluster/api.ts';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { projectRoot } from '../../cluster/paths.ts';
import { dryRun, type JsonObject } from '../api/support.ts';
import { sharedPlane, type SharedPlane } from '../shared-plane.ts';

// A sample that does not work is worse than none: every resource that the pages show is put to a real API server.

interface Sample {
  file: string;
  kind: string;
  object: JsonObject;
}

const pages = async (): Promise<string[]> => {
  const docs = await readdir(join(projectRoot, 'docs'), { recursive: true });
  return [
    'README.md',
    'CONTRIBUTING.md',
    ...docs.filter((name) => name.endsWith('.md')).map((name) => join('docs', name)),
  ];
};

const yamlBlocks = (markdown: string): string[] =>
  [...markdown.matchAll(/^```ya?ml\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);

const samplesIn = (file: string, yaml: string): Sample[] =>
  parseAllDocuments(yaml).map((document) => {
    const object = document.toJS() as JsonObject;
    return { file, kind: String(object['kind']), object };
  });

const allSamples = async (): Promise<Sample[]> => {
  const found: Sample[] = [];
  for (const file of await pages()) {
    const markdown = await readFile(join(projectRoot, file), 'utf8');
    for (const block of yamlBlocks(markdown)) found.push(...samplesIn(file, block));
  }
  const directory = join(projectRoot, 'manifests/samples');
  for (const name of await readdir(directory)) {
    found.push(...samplesIn(`manifests/samples/${name}`, await readFile(join(directory, name), 'utf8')));
  }
  return found;
};

let plane: SharedPlane;

beforeAll(async () => {
  plane = await sharedPlane();
}, 20 * 60_000);

const kinds = ['BackupPolicy', 'RestoreRequest', 'RestoreConfirmation'];

test('every resource in README, docs and manifests/samples is accepted by the API server', async () => {
  const client = apiOf(plane.kubeconfig);
  const samples = await allSamples();
  const answers: { file: string; refused: string | undefined }[] = [];
  for (const { file, kind, object } of samples) {
    expect({ file, isKnown: kinds.includes(kind), kind }).toEqual({ file, isKnown: true, kind });
    const answer = await dryRun(client, object);
    answers.push({ file, refused: 'refused' in answer ? answer.refused : undefined });
  }
  expect(answers.filter(({ refused }) => refused !== undefined)).toEqual([]);
  expect(answers.map(({ file }) => file)).toEqual(
    expect.arrayContaining([
      'README.md',
      ...['agama', 'telegraf', 'ansible', 'volume'].map((name) => `manifests/samples/${name}.yaml`),
    ]),
  );
});

test('every link between pages leads to a file', async () => {
  const broken: string[] = [];
  for (const file of await pages()) {
    const markdown = await readFile(join(projectRoot, file), 'utf8');
    for (const [, target = ''] of markdown.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      const path = join(projectRoot, file, '..', target);
      await readFile(path).catch(() => broken.push(`${file} → ${target}`));
    }
  }
  expect(broken).toEqual([]);
});
