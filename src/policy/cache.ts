import { createPacker } from '../kube/packed.ts';
import { createReflector, type Reflector, type ReflectorOptions } from '../kube/reflector.ts';
import type { KubeObject } from '../kube/types.ts';

/** What every object that is cached has. */
interface Member {
  /** The policy it belongs to: namespace/name. */
  policyKey: string | undefined;
  /** The request it belongs to, if it does: namespace/name. */
  restoreKey?: string;
}

/** What is held in memory of each object. */
export interface Kept extends Member {
  packed: string;
}

/** The objects of one kind, as their views, kept small: ten thousand policies have thirty thousand CronJobs. */
export interface Cache<T> {
  readonly reflector: Reflector<Kept>;
  /** Those that belong to a policy. */
  ofPolicy(policyKey: string): T[];
  /** See {@link Reflector.remember}. */
  remember: Reflector<Kept>['remember'];
}

export type CacheOptions<T> = Omit<ReflectorOptions<Kept>, 'project' | 'indexes'> & {
  readonly view: (raw: KubeObject) => T;
};

/** Files an object under its policy. */
export const byPolicy = ({ policyKey }: Readonly<Member>): string[] => (policyKey === undefined ? [] : [policyKey]);

export const createCache = <T extends Member>({ view, ...options }: CacheOptions<T>): Cache<T> => {
  const packer = createPacker<T>();
  const reflector = createReflector<Kept>({
    ...options,
    project(raw) {
      const value = view(raw);
      const { policyKey, restoreKey } = value;
      const packed = packer.pack(value);
      return restoreKey === undefined ? { policyKey, packed } : { policyKey, packed, restoreKey };
    },
    indexes: { policy: byPolicy },
  });
  return {
    reflector,
    remember: reflector.remember,
    ofPolicy: (policyKey) => reflector.store.byIndex('policy', policyKey).map(({ packed }) => packer.unpack(packed)),
  };
};
