import type { Certificate } from './pki.ts';

/** The files of the key pair that signs service accounts' tokens. */
export type SigningKey = { privateFile: string; publicFile: string };

/** Flags of etcd. Not synced to disk: what a test cluster holds need not survive the machine. */
export const etcdArguments = (input: {
  dataDirectory: string;
  host: string;
  /** For clients, for peers. */
  ports: readonly [number, number];
}): string[] => {
  const [client, peer] = input.ports.map((port) => `http://${input.host}:${port}`);
  return [
    `--data-dir=${input.dataDirectory}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
};

/** What kube-apiserver's flags are made of. */
export type ApiserverInput = {
  bindAddress: string;
  advertiseAddress: string;
  securePort: number;
  etcdServer: string;
  serviceCidr: string;
  authority: Pick<Certificate, 'certificateFile'>;
  serving: Certificate;
  signingKey: SigningKey;
  extra: readonly string[];
};

/** Flags of kube-apiserver: the default admission plugins, RBAC. */
export const apiserverArguments = (input: ApiserverInput): string[] => [
  `--etcd-servers=${input.etcdServer}`,
  `--bind-address=${input.bindAddress}`,
  `--advertise-address=${input.advertiseAddress}`,
  `--secure-port=${input.securePort}`,
  `--service-cluster-ip-range=${input.serviceCidr}`,
  `--tls-cert-file=${input.serving.certificateFile}`,
  `--tls-private-key-file=${input.serving.keyFile}`,
  `--client-ca-file=${input.authority.certificateFile}`,
  '--service-account-issuer=https://kubernetes.default.svc',
  `--service-account-key-file=${input.signingKey.publicFile}`,
  `--service-account-signing-key-file=${input.signingKey.privateFile}`,
  '--authorization-mode=Node,RBAC',
  '--allow-privileged',
  ...input.extra,
];

/** Flags of kube-controller-manager. */
export const controllerManagerArguments = (input: {
  kubeconfig: string;
  authority: Pick<Certificate, 'certificateFile'>;
  signingKey: SigningKey;
  extra: readonly string[];
}): string[] => [
  ...componentArguments(input.kubeconfig),
  `--service-account-private-key-file=${input.signingKey.privateFile}`,
  `--root-ca-file=${input.authority.certificateFile}`,
  '--use-service-account-credentials',
  ...input.extra,
];

/** What the controller manager and the scheduler have in common; one of each runs, so there is no leader to elect. */
export const componentArguments = (kubeconfig: string): string[] => [
  `--kubeconfig=${kubeconfig}`,
  `--authentication-kubeconfig=${kubeconfig}`,
  `--authorization-kubeconfig=${kubeconfig}`,
  '--leader-elect=false',
];
