import { z } from 'zod';
import type { Admission } from './admission/objects.ts';
import { longestLeaseSeconds } from './kube/lease-record.ts';
import type { SandboxImage } from './workloads/sandbox-images.ts';
import { imageNames, images, imageVariable, type Images } from './workloads/images.ts';

/** A boolean-free, flat configuration: every setting is one environment variable, checked before anything starts. */
const names = (text: string): string[] => [...new Set(text === '' ? [] : text.split(',').map((name) => name.trim()))];

const namespace = z
  .string()
  .max(63)
  .regex(
    /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/,
    'write names of namespaces, separated by commas; leave it empty for the whole cluster',
  );

const leaseName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'write the name of a Lease: small letters, digits, - and .');

const objectPrefix = z
  .string()
  .max(40)
  .regex(
    /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$/,
    'write the name by which the chart calls its objects; empty: admission is off, and nothing can be confirmed',
  );

const serviceAccount = z
  .string()
  .max(256)
  .regex(
    /^system:serviceaccount:[a-z0-9]([a-z0-9-]*[a-z0-9])?:[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/,
    'write system:serviceaccount:NAMESPACE:NAME',
  );
const serviceAccounts = z.string().default('').transform(names).pipe(z.array(serviceAccount));

const image = z
  .string('set it to the name of an image')
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._/:@-]*$/,
    'write the name of an image, such as registry.example.com/holdfast-mysql:0.1',
  );

const sandboxImages = z
  .string()
  .default('')
  .transform(names)
  .pipe(
    z.array(
      z
        .string()
        .regex(
          /^[a-z]+\/\d+\.\d+=[A-Za-z0-9][A-Za-z0-9._/:@-]*$/,
          'write engine/release=image, separated by commas, such as mariadb/10.11=docker.io/library/mariadb:10.11',
        )
        .transform((text): SandboxImage => {
          const [server = '', image = ''] = text.split('=');
          const [engine = '', release = ''] = server.split('/');
          return { engine, release, image };
        }),
    ),
  );

const wholeNumber = (min: number, max: number, fallback: number) => {
  const message = `write a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, message)
    .default(String(fallback))
    .transform(Number)
    .pipe(z.int().min(min, message).max(max, message));
};

const imageSettings = Object.fromEntries(
  imageNames.map((name) => [imageVariable(name), image.describe(`Image of ${images[name]}.`)]),
) as Record<ReturnType<typeof imageVariable>, typeof image>;

const environment = z
  .object({
    ...imageSettings,
    HOLDFAST_IMAGE_PULL_POLICY: z
      .enum(['Always', 'IfNotPresent', 'Never'])
      .default('IfNotPresent')
      .describe('How images are pulled.'),
    HOLDFAST_SANDBOX_IMAGES: sandboxImages.describe(
      'Images of the servers that verifications load backups into: engine/release=image, separated by commas. Policies may name these only.',
    ),
    HOLDFAST_NAMESPACES: z
      .string()
      .default('')
      .transform(names)
      .pipe(z.array(namespace))
      .describe('Namespaces whose policies are kept, separated by commas; empty for the whole cluster.'),
    HOLDFAST_LOG_LEVEL: z
      .enum(['trace', 'debug', 'info', 'warn', 'error'])
      .default('info')
      .describe('The least level that is logged.'),
    HOLDFAST_PORT: wholeNumber(0, 65535, 8080).describe('Port of /healthz, /readyz and /metrics; 0 takes a free one.'),
    HOLDFAST_WORKERS: wholeNumber(1, 64, 4).describe('How many policies are worked on at the same time.'),
    HOLDFAST_QUIESCE_WORKLOADS: z
      .enum(['Enabled', 'Disabled'])
      .default('Disabled')
      .describe('Whether workloads may be stopped for a dump: the operator needs more rights for it.'),
    HOLDFAST_ADMISSION_NAME: objectPrefix
      .default('')
      .describe(
        'How the chart calls its objects: by it the admission policies are found that a confirmation rests on. Empty: there are none, and no restore that needs a confirmation is carried out.',
      ),
    HOLDFAST_SERVICE_ACCOUNT: serviceAccount
      .optional()
      .describe('User name of the operator’s own service account; needed with HOLDFAST_ADMISSION_NAME.'),
    HOLDFAST_RESTORE_SERVICE_ACCOUNTS: serviceAccounts.describe(
      'Service accounts that may ask for a restore as people do, separated by commas.',
    ),
    HOLDFAST_CONFIRM_SERVICE_ACCOUNTS: serviceAccounts.describe(
      'Service accounts that may confirm one as people do, separated by commas.',
    ),
    HOLDFAST_INSTANCE: z
      .string()
      .min(1)
      .default('holdfast')
      .describe('Name of this process in Events and in the Lease: the name of its pod.'),
    HOLDFAST_LEASE_NAMESPACE: z
      .string()
      .max(63)
      .regex(
        /^([a-z0-9]([a-z0-9-]*[a-z0-9])?)?$/,
        'write the name of one namespace; empty: no leader election, for a single replica',
      )
      .default('')
      .describe(
        'Namespace of the Lease by which replicas elect their leader; empty: no election, for a single replica.',
      ),
    HOLDFAST_LEASE_NAME: leaseName.default('holdfast').describe('Name of that Lease.'),
    HOLDFAST_LEASE_SECONDS: wholeNumber(5, longestLeaseSeconds, 15).describe(
      'How long after the last sign of a leader another takes over, in seconds.',
    ),
  })
  .refine(
    ({ HOLDFAST_ADMISSION_NAME: name, HOLDFAST_SERVICE_ACCOUNT: account }) => name === '' || account !== undefined,
    {
      path: ['HOLDFAST_SERVICE_ACCOUNT'],
      message: 'set it to the user name of the operator’s service account, since HOLDFAST_ADMISSION_NAME is set',
    },
  );

/** The operator's configuration. */
export interface Config {
  images: Images;
  imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  sandboxImages: SandboxImage[];
  /** Empty: all. */
  namespaces: string[];
  logLevel: string;
  port: number;
  workers: number;
  quiesceWorkloads: boolean;
  instance: string;
  /** The admission policies that a confirmation rests on; undefined: there are none. */
  admission: Admission | undefined;
  /** Where the leader is elected, and for how many seconds a lease is; undefined: no election. */
  lease: { namespace: string; name: string; seconds: number } | undefined;
}

const admissionOf = (data: z.output<typeof environment>): Admission | undefined => {
  const { HOLDFAST_ADMISSION_NAME: name, HOLDFAST_SERVICE_ACCOUNT: operator } = data;
  if (name === '' || operator === undefined) return undefined;
  const requesters = data.HOLDFAST_RESTORE_SERVICE_ACCOUNTS;
  return { name, accounts: { operator, requesters, confirmers: data.HOLDFAST_CONFIRM_SERVICE_ACCOUNTS } };
};

/** Reads the configuration. @throws Error naming each variable that is missing or wrong */
export const readConfig = (variables: Readonly<Record<string, string | undefined>>): Config => {
  const parsed = environment.safeParse(variables);
  if (!parsed.success) throw new Error(`The configuration cannot be used:\n${z.prettifyError(parsed.error)}`);
  const { data } = parsed;
  return {
    images: Object.fromEntries(imageNames.map((name) => [name, data[imageVariable(name)]])) as Images,
    imagePullPolicy: data.HOLDFAST_IMAGE_PULL_POLICY,
    sandboxImages: data.HOLDFAST_SANDBOX_IMAGES,
    namespaces: data.HOLDFAST_NAMESPACES,
    logLevel: data.HOLDFAST_LOG_LEVEL,
    port: data.HOLDFAST_PORT,
    workers: data.HOLDFAST_WORKERS,
    quiesceWorkloads: data.HOLDFAST_QUIESCE_WORKLOADS === 'Enabled',
    instance: data.HOLDFAST_INSTANCE,
    admission: admissionOf(data),
    lease:
      data.HOLDFAST_LEASE_NAMESPACE === ''
        ? undefined
        : {
            namespace: data.HOLDFAST_LEASE_NAMESPACE,
            name: data.HOLDFAST_LEASE_NAME,
            seconds: data.HOLDFAST_LEASE_SECONDS,
          },
  };
};
