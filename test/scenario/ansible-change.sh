# A day's work: a commit.
set -eu
export GIT_AUTHOR_NAME=Agama GIT_AUTHOR_EMAIL=agama@example.com GIT_COMMITTER_NAME=Agama GIT_COMMITTER_EMAIL=agama@example.com
work=/tmp/ansible
rm -rf "$work"
git clone --quiet "$REPOSITORY" "$work"
cd "$work"
date > motd
git add motd
git commit --quiet --message 'Message of the day'
git push --quiet origin main
rm -rf "$work"
