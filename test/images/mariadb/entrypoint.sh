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

account() { # user, password, what it may do
  echo "CREATE USER IF NOT EXISTS $(quote "$1")@'%';"
  echo "ALTER USER $(quote "$1")@'%' IDENTIFIED BY $(quote "$2");"
  echo "GRANT ALL ON $3 TO $(quote "$1")@'%';"
}

root=$(value MARIADB_ROOT_PASSWORD)
if [ -z "$root" ]; then
  echo 'MARIADB_ROOT_PASSWORD or MARIADB_ROOT_PASSWORD_FILE must be set' >&2
  exit 1
fi

# Made aside and moved: a first start that was cut short leaves nothing that looks like data.
if [ ! -d "$base/data" ]; then
  rm -rf "$base/new"
  mkdir -m 700 "$base/new"
  mariadb-install-db --no-defaults --datadir="$base/new" --auth-root-authentication-method=normal --skip-test-db >&2
  mv "$base/new" "$base/data"
fi
mkdir -p -m 700 "$base/tmp"

# Run by the server before it listens: nobody meets it without its passwords.
umask 077
{
  account root "$root" '*.* '
  echo "GRANT GRANT OPTION ON *.* TO root@'%';"
  echo "ALTER USER root@localhost IDENTIFIED BY $(quote "$root");"
  if [ -n "${MARIADB_DATABASE:-}" ]; then
    echo "CREATE DATABASE IF NOT EXISTS $(name "$MARIADB_DATABASE");"
    [ -z "${MARIADB_USER:-}" ] || account "$MARIADB_USER" "$(value MARIADB_PASSWORD)" "$(name "$MARIADB_DATABASE").*"
  fi
} > "$base/tmp/init.sql"

exec mariadbd --no-defaults --datadir="$base/data" --tmpdir="$base/tmp" --socket="$base/tmp/mysqld.sock" \
  --pid-file="$base/tmp/mysqld.pid" --init-file="$base/tmp/init.sql" --bind-address=0.0.0.0 --skip-name-resolve \
  --character-set-server=utf8mb4 --innodb-buffer-pool-size=64M --innodb-use-native-aio=0 "$@"
