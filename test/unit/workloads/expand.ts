/**
 * Kubernetes' own expansion of `$(NAME)` in variables and arguments (k8s.io/kubernetes/third_party/forked/golang/expansion), written anew:
 * `$$` is one `$`, `$(NAME)` the variable's value, or itself when there is no such variable, and any other `$` stays.
 */
export const expand = (text: string, variables: Readonly<Record<string, string>>): string => {
  let out = '';
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] !== '$' || at + 1 === text.length) {
      out += text[at] ?? '';
      continue;
    }
    const next = text[at + 1] ?? '';
    const end = text.indexOf(')', at + 2);
    if (next === '(' && end >= 0) {
      const name = text.slice(at + 2, end);
      out += Object.hasOwn(variables, name) ? variables[name] : `$(${name})`;
      at = end;
      continue;
    }
    out += next === '$' ? '$' : `$${next}`;
    at += 1;
  }
  return out;
};
