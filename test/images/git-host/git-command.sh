#!/bin/sh
# What every login gets, whatever it asked for: git's own commands, by git's own shell.
set -eu
exec git-shell -c "${SSH_ORIGINAL_COMMAND:-}"
