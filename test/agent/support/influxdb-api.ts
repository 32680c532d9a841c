/** An account of the HTTP API. */
export interface InfluxAccount {
  readonly username: string;
  readonly password: string;
}

/** Rows of InfluxQL's answer, series by series. */
export interface AnswerSeries {
  readonly name?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values?: readonly (readonly unknown[])[];
}

/** What tests ask of an InfluxDB server, and write into it: by its HTTP API, without any of Holdfast's code. */
export interface InfluxdbApi {
  /** Runs InfluxQL; an error of the server is thrown. */
  query(statement: string, account?: InfluxAccount): Promise<AnswerSeries[]>;
  /** The answer as the server wrote it: its numbers lose nothing. */
  text(statement: string): Promise<string>;
  /** Writes points in line protocol, with times in nanoseconds. */
  write(database: string, lines: readonly string[], policy?: string): Promise<void>;
}

/** The API of the server on a port of loopback. */
export const influxdbApi = (port: number): InfluxdbApi => {
  const post = (path: string, body: string | URLSearchParams, account?: InfluxAccount): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      body,
      ...(account && {
        headers: {
          authorization: `Basic ${Buffer.from(`${account.username}:${account.password}`).toString('base64')}`,
        },
      }),
    });
  const ask = (statement: string, account?: InfluxAccount): Promise<Response> =>
    post('/query', new URLSearchParams({ q: statement, epoch: 'ns' }), account);
  return {
    async query(statement, account) {
      const answer = (await (await ask(statement, account)).json()) as {
        error?: string;
        results?: { error?: string; series?: AnswerSeries[] }[];
      };
      const error = answer.error ?? answer.results?.find((result) => result.error !== undefined)?.error;
      if (error !== undefined) throw new Error(`influxd refused: ${error}`);
      return answer.results?.flatMap(({ series = [] }) => series) ?? [];
    },
    text: async (statement) => (await ask(statement)).text(),
    async write(database, lines, policy) {
      const parameters = new URLSearchParams({ db: database, ...(policy !== undefined && { rp: policy }) });
      const answer = await post(`/write?${parameters}`, lines.join('\n'));
      if (!answer.ok) throw new Error(`influxd refused points: ${(await answer.text()).slice(0, 300)}`);
    },
  };
};
