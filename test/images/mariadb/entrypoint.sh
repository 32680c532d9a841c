#!/bin/sh
# Starts MariaDB, with a data directory made on the first start. Arguments go to mariadbd.
#   MARIADB_ROOT_PASSWORD or MARIADB_ROOT_PASSWORD_FILE   needed; root may log in from anywhere
#   MARIADB_DATABASE                                      made when it is not there
#   MARIADB_USER, MARIADB_PASSWORD or MARIADB_PASSWORD_FILE   with all rights on that database
set -eu
base=/var/lib/mysql

# The value of a variable, or of the file that <name>_FILE names.
value() {
  eval "file=\${$1_FILE:-} text=\${$1:-}"
  if [ -n "$file" ]; then cat "$file"; else printf %s "$text"; fi
}

# An SQL string.
quote() { printf %s "$1" | sed -e 's/\\/\\\\/g' -e "s/'/''/g" -e "1s/^/'/" -e "\$s/\$/'/"; }

# An SQL name.
name() { printf %s "$1" | sed -e 's/`/``/g' -e '1s/^/`/' -e '$s/$/`/'; }

# A statement with its %s. Not echo, which reads backslashes.
say() { statement=$1; shift; printf "$statement;\n" "$@"; }

account() { # user, password, what it may do
  say "CREATE USER IF NOT EXISTS %s@'%%'" "$(quote "$1")"
  say "ALTER USER %s@'%%' IDENTIFIED BY %s" "$(quote "$1")" "$(quote "$2")"
  say "GRANT ALL ON %s TO %s@'%%'" "$3" "$(quote "$1")"
}

root=$(value MARIADB_ROOT_PASSWORD)
if [ -z "$root" ]; then
  echo 'MARIADB_ROOT_PASSWORD or MARIADB_ROOT_PASSWORD_FILE must be set' >&2
  exit 1
fi

# The root file system may be read-only, /tmp too.
mkdir -p -m 700 "$base/tmp"
export TMPDIR="$base/tmp"

# Made aside and moved: a first start that was cut short leaves nothing that looks like data.
if [ ! -d "$base/data" ]; then
  rm -rf "$base/new"
  mkdir -m 700 "$base/new"
  mariadb-install-db --no-defaults --datadir="$base/new" --auth-root-authentication-method=normal --skip-test-db >&2
  mv "$base/new" "$base/data"
fi

# Run by the server before it listens: nobody meets it without its passwords.
umask 077
{
  account root "$root" '*.*'
  say "GRANT GRANT OPTION ON *.* TO root@'%%'"
  say 'ALTER USER root@localhost IDENTIFIED BY %s' "$(quote "$root")"
  if [ -n "${MARIADB_DATABASE:-}" ]; then
    say 'CREATE DATABASE IF NOT EXISTS %s' "$(name "$MARIADB_DATABASE")"
    [ -z "${MARIADB_USER:-}" ] || account "$MARIADB_USER" "$(value MARIADB_PASSWORD)" "$(name "$MARIADB_DATABASE").*"
  fi
} > "$base/tmp/init.sql"

exec mariadbd --no-defaults --datadir="$base/data" --tmpdir="$base/tmp" --socket="$base/tmp/mysqld.sock" \
  --pid-file="$base/tmp/mysqld.pid" --init-file="$base/tmp/init.sql" --bind-address=0.0.0.0 --skip-name-resolve \
  --character-set-server=utf8mb4 --innodb-buffer-pool-size=64M --innodb-use-native-aio=0 "$@"
