#!/bin/sh
# What every login gets, whatever it asked for: sftp, or rsync kept below /srv/backup. /etc/rrsync-options holds -absolute where this rrsync
# has it: then /srv/backup/x means that very path; elsewhere every absolute path is read as below /srv/backup.
set -eu
case ${SSH_ORIGINAL_COMMAND:-} in
  /usr/lib/openssh/sftp-server) exec /usr/lib/openssh/sftp-server -d /srv/backup ;;
  # shellcheck disable=SC2046 # no option, or one
  *) exec rrsync $(cat /etc/rrsync-options) -no-lock /srv/backup ;;
esac
