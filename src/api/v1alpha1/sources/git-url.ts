/** The parts of the address of a git repository. */
export type GitUrl =
  | { readonly by: 'https'; readonly host: string; readonly port: number }
  | { readonly by: 'ssh'; readonly user: string; readonly host: string; readonly port: number }
  | { readonly by: 'path'; readonly path: string };

const host = '[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?';
const user = '[A-Za-z0-9_][A-Za-z0-9_.-]*';
const port = '(?::[0-9]{1,5})?';
const rest = '[A-Za-z0-9._~@%+/-]*';
// A path never begins with "-", which a tool could take for an option.
const first = '[A-Za-z0-9._~]';

/** https, ssh in both of its spellings, or an absolute path: nothing that git could take for another transport or an option. */
export const gitUrlPattern = new RegExp(
  `^(?:https://${host}${port}/|ssh://${user}@${host}${port}/|${user}@${host}:/?|/)${first}${rest}$`,
);

const httpsUrl = new RegExp(`^https://(?<host>${host})(?::(?<port>[0-9]{1,5}))?/`);
const sshUrl = new RegExp(`^ssh://(?<user>${user})@(?<host>${host})(?::(?<port>[0-9]{1,5}))?/`);
const scpUrl = new RegExp(`^(?<user>${user})@(?<host>${host}):`);

/** Takes an address apart; undefined when it is not one. */
export const parseGitUrl = (url: string): GitUrl | undefined => {
  if (!gitUrlPattern.test(url) || url.split('/').includes('..')) return undefined;
  if (url.startsWith('/')) return { by: 'path', path: url };
  const https = httpsUrl.exec(url)?.groups;
  if (https !== undefined) return { by: 'https', host: https['host'] ?? '', port: Number(https['port'] ?? 443) };
  const ssh = (sshUrl.exec(url) ?? scpUrl.exec(url))?.groups;
  if (ssh === undefined) return undefined;
  return { by: 'ssh', user: ssh['user'] ?? '', host: ssh['host'] ?? '', port: Number(ssh['port'] ?? 22) };
};
