import type {
  V1Container,
  V1CronJob,
  V1EnvVar,
  V1Job,
  V1PersistentVolumeClaim,
  V1PodSpec,
  V1Volume,
  V1VolumeMount,
} from '@kubernetes/client-node';
import type { Wire } from '../kube/types.ts';

/** Kubernetes' objects as they are on the wire, complete enough to be applied. */
type Applied<T> = T & {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
  };
};

export type CronJob = Applied<Wire<V1CronJob>>;
export type Job = Applied<Wire<V1Job>>;
export type Claim = Applied<Wire<V1PersistentVolumeClaim>>;
export type Container = Wire<V1Container>;
export type PodSpec = Wire<V1PodSpec>;
export type Volume = Wire<V1Volume>;
export type VolumeMount = Wire<V1VolumeMount>;
export type EnvVar = Wire<V1EnvVar>;
