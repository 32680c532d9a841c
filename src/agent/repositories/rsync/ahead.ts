import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SendAhead } from '../repository.ts';

/**
 * What duplicity finds as rsync. It takes a volume over by a hard link, so that duplicity makes the next one while it is sent. Whatever is
 * asked next first waits for it: the files come to the host one after the other as ever, signatures and manifest last, and duplicity does
 * not end before all are there. A volume that failed fails the next call, with its own words; duplicity tries that call again, after its
 * delay, and so the volume. Like every call of duplicity's a volume has two attempts.
 *
 * The lock is held as long as a volume is being sent. Where it cannot be taken over, nothing is: it is sent as duplicity would.
 */
const script = `#!/bin/bash
set -u
here=\${0%/*}
PATH=\${PATH#"$here:"}

settle() {
  [ -e "$here/volume" ] || return 0
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
  rm -f "$here/volume" "$here/args" "$here/status" "$here/said" "$here/told"
}

take_over() {
  # The status and the words are those of one that is killed.
  exec 9>"$here/lock" && flock 9 &&
    echo 1 >"$here/status" &&
    echo 'rsync was ended before the volume was sent' >"$here/said" &&
    printf '%s\\0' "$@" "$here/volume" "$target" >"$here/args" &&
    ln "$source" "$here/volume"
}

send() {
  local status=0
  rsync "$@" "$here/volume" "$target" >"$here/saying" 2>&1 9>&- || status=$?
  mv "$here/saying" "$here/said"
  echo "$status" >"$here/ended" && mv "$here/ended" "$here/status"
}

settle
[ $# -ge 2 ] || exec rsync "$@"
source=\${*: -2:1}
target=\${*: -1}
case $target in *:*.vol[0-9]*.difftar*) [ -f "$source" ] || exec rsync "$@" ;; *) exec rsync "$@" ;; esac
set -- "\${@:1:$#-2}"
take_over "$@" 2>/dev/null || exec rsync "$@" "$source" "$target"
send "$@" </dev/null >/dev/null 2>&1 &
`;

/** Lays out the program that has duplicity make a volume while the one before is sent. */
export const layOutAhead = async (scratch: string): Promise<SendAhead> => {
  const programs = join(scratch, 'ahead');
  await mkdir(programs, { mode: 0o700 });
  await writeFile(join(programs, 'rsync'), script, { mode: 0o700 });
  return { programs, volumes: 1 };
};
