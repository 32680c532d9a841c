#!/bin/sh
# What every login gets, whatever it asked for: sftp, or rsync kept below /srv/backup (absolute paths are read as below it).
set -eu
case ${SSH_ORIGINAL_COMMAND:-} in
  /usr/lib/openssh/sftp-server) exec /usr/lib/openssh/sftp-server -d /srv/backup ;;
  *) exec rrsync -no-lock /srv/backup ;;
esac
