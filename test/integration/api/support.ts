import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import type { KubeClient } from '../../../src/kube/client.ts';
import { ApiError } from '../../../src/kube/errors.ts';
import { resourcePath } from '../../../src/kube/path.ts';
import type { ResourceType } from '../../../src/kube/types.ts';
import { resources } from '../../../src/policy/resources.ts';
import { projectRoot } from '../../cluster/paths.ts';

/** JSON that a test puts together. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

const types: readonly ResourceType[] = [resources.policy, resources.restoreRequest, resources.restoreConfirmation];

/** The sample policy as it is in manifests/samples. */
export const sample = async (): Promise<JsonObject> =>
  parse(await readFile(join(projectRoot, 'manifests/samples/agama.yaml'), 'utf8')) as JsonObject;

/** A copy with the value at a path ("spec.source.mysql.host") replaced, or taken out where it is undefined. */
export const withValue = (object: JsonObject, path: string, value: Json | undefined): JsonObject => {
  const [first = '', ...rest] = path.split('.');
  const { [first]: old, ...others } = object;
  if (rest.length === 0) return value === undefined ? others : { ...others, [first]: value };
  const inner = typeof old === 'object' && old !== null && !Array.isArray(old) ? old : {};
  return { ...others, [first]: withValue(inner, rest.join('.'), value) };
};

/** What the API server says to a policy, or to another resource of Holdfast: the object as it would be stored, or why not. Nothing is stored. */
export type Answer = { accepted: JsonObject } | { refused: string; code: number };

export const dryRun = async (client: KubeClient, object: JsonObject): Promise<Answer> => {
  const type = types.find(({ kind }) => kind === object['kind']) ?? resources.policy;
  try {
    const accepted = await client.request({
      method: 'POST',
      path: resourcePath({ type, namespace: 'default' }),
      query: { dryRun: 'All', fieldValidation: 'Strict' },
      body: withValue(object, 'metadata', { name: 'tried', namespace: 'default' }),
    });
    return { accepted: accepted as JsonObject };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { refused: error.serverMessage, code: error.code };
  }
};

/** The documents of a YAML text that are objects. */
export const documents = (text: string): JsonObject[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as JsonObject | null)
    .filter((object) => object !== null);
