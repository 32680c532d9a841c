import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ahead } from '../repository.ts';

/**
 * What duplicity finds as rsync. The lock is held as long as it does something ahead; without a volume in question it is rsync and no more.
 *
 * A volume to be sent is taken over by a hard link, so that duplicity makes the next one meanwhile. Whatever is asked next first waits for
 * it: the files come to the host one after the other as ever, signatures and manifest last, and duplicity does not end before all are
 * there. A volume that failed fails the next call, with its own words; duplicity tries that call again, after its delay, and so the volume. Like
 * every call of duplicity's a volume has two attempts. Where it cannot be taken over, it is sent as duplicity would.
 *
 * A volume that was fetched has the next one of its set fetched, if there is one and none is waiting yet, so that duplicity reads the one
 * meanwhile. If that fails, it is fetched again when it is asked for, and then its words count.
 */
const script = `#!/bin/bash
set -u
here=\${0%/*}
PATH=\${PATH#"$here:"}

settle() {
  [ -e "$here/sent" ] || return 0
  flock "$here/lock" true || exit
  local status
  status=$(<"$here/status")
  if [ "$status" != 0 ]; then
    if [ ! -e "$here/told" ]; then
      : >"$here/told"
      cat "$here/said" >&2
      exit "$status"
    fi
    local args
    mapfile -d '' -t args <"$here/args"
    rsync "\${args[@]}" || exit
  fi
  rm -f "$here/sent" "$here/args" "$here/status" "$here/said" "$here/told"
}

take_over() {
  # The status and the words are those of one that is killed.
  exec 9>"$here/lock" && flock 9 &&
    echo 1 >"$here/status" &&
    echo 'rsync was ended before the volume was sent' >"$here/said" &&
    printf '%s\\0' "$@" "$here/sent" "$target" >"$here/args" &&
    ln "$source" "$here/sent"
}

send() {
  local status=0
  rsync "$@" "$here/sent" "$target" >"$here/saying" 2>&1 9>&- || status=$?
  mv "$here/saying" "$here/said"
  echo "$status" >"$here/ended" && mv "$here/ended" "$here/status"
}

was_fetched() {
  [ -e "$here/next" ] && [ "$(<"$here/next")" = "$source" ] || return
  flock "$here/lock" true
  [ -e "$here/ready" ] && mv "$here/fetched" "$target"
  local status=$?
  rm -f "$here/next" "$here/ready" "$here/fetched"
  return "$status"
}

fetch_next() {
  [ ! -e "$here/next" ] && [[ $source =~ ^(.*[.]vol)([0-9]+)([.]difftar[^/]*)$ ]] || return
  source=\${BASH_REMATCH[1]}$((BASH_REMATCH[2] + 1))\${BASH_REMATCH[3]}
  grep --quiet --line-regexp --fixed-strings -e "\${source##*/}" "$here/names" &&
    exec 9>"$here/lock" && flock 9 && printf '%s' "$source" >"$here/next"
}

fetch() {
  rsync "$@" "$source" "$here/fetched" 9>&- && : >"$here/ready"
}

settle
[ $# -ge 2 ] || exec rsync "$@"
source=\${*: -2:1}
target=\${*: -1}
set -- "\${@:1:$#-2}"
volume='[.]vol[0-9]+[.]difftar[^/:]*$'
if [[ -f $source && $target =~ :.*$volume ]]; then
  take_over "$@" 2>/dev/null || exec rsync "$@" "$source" "$target"
  send "$@" </dev/null >/dev/null 2>&1 &
elif [[ $source =~ :.*$volume ]]; then
  was_fetched || rsync "$@" "$source" "$target" || exit
  fetch_next 2>/dev/null || exit 0
  fetch "$@" </dev/null >/dev/null 2>&1 &
else
  exec rsync "$@" "$source" "$target"
fi
`;

/** Lays out the program that has volumes sent and fetched ahead. */
export const layOutAhead = async (directory: string, names: readonly string[]): Promise<Ahead> => {
  const programs = join(directory, 'ahead');
  await mkdir(programs, { mode: 0o700 });
  await writeFile(join(programs, 'names'), names.map((name) => `${name}\n`).join(''));
  await writeFile(join(programs, 'rsync'), script, { mode: 0o700 });
  return { programs, volumes: 1 };
};
