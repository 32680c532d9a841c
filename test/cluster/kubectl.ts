import { execa, ExecaError } from 'execa';
import { ClusterError } from './error.ts';

/** What a run of kubectl or helm may be given. */
export type ToolOptions = {
  /** Standard input, for `--filename -`. */
  input?: string;
  /** Another kubeconfig than the administrator's. */
  kubeconfig?: string;
  /** Milliseconds until it is killed; 120,000 unless told. */
  timeoutMs?: number;
};

/**
 * Runs a tool against the cluster and gives its standard output.
 *
 * @throws ClusterError with the tool's standard error when its exit status is not 0
 */
export interface Tool {
  (args: readonly string[], options?: ToolOptions): Promise<string>;
  /** The program: a path, or a name on the PATH. */
  readonly program: string;
}

/** A tool (kubectl, helm) bound to a cluster by its kubeconfig. */
export const bindTool = (program: string, kubeconfig: string): Tool => {
  const run = async (args: readonly string[], options: ToolOptions = {}): Promise<string> => {
    try {
      const { stdout } = await execa(program, args, {
        env: { KUBECONFIG: options.kubeconfig ?? kubeconfig },
        timeout: options.timeoutMs ?? 120_000,
        ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
      });
      return stdout;
    } catch (error) {
      if (!(error instanceof ExecaError)) throw error;
      const reason = String(error.stderr).trim();
      throw new ClusterError(
        `${program.split('/').at(-1)} ${args.join(' ')}: ${reason === '' ? error.originalMessage || error.shortMessage : reason}`,
        `Look at the cluster with KUBECONFIG=${kubeconfig}`,
      );
    }
  };
  return Object.assign(run, { program });
};
