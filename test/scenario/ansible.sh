# An Ansible repository as a small team has it: roles, playbooks, an inventory, a history of a hundred commits, two branches and a tag.
set -eu
export GIT_AUTHOR_NAME=Agama GIT_AUTHOR_EMAIL=agama@example.com GIT_COMMITTER_NAME=Agama GIT_COMMITTER_EMAIL=agama@example.com
if [ ! -d "$REPOSITORY" ]; then
  git init --quiet --bare --initial-branch=main "$REPOSITORY.new"
  work=/tmp/ansible
  rm -rf "$work"
  git clone --quiet "$REPOSITORY.new" "$work" 2>/dev/null
  cd "$work"
  git checkout --quiet -B main
  printf '[mysql]\ndb1.example.com\n\n[influxdb]\nlogs1.example.com\n' > inventory
  for number in $(seq 1 100); do
    role="roles/role$((number % 12))"
    mkdir -p "$role/tasks" "$role/files"
    printf -- '- name: Step %s\n  ansible.builtin.copy:\n    src: file%s\n    dest: /etc/file%s\n' "$number" "$number" "$number" >> "$role/tasks/main.yml"
    head -c 2000 /dev/urandom | base64 > "$role/files/file$number"
    git add --all
    git commit --quiet --message "Role $((number % 12)): step $number"
  done
  git tag --annotate --message 'First release' v1.0
  git branch staging HEAD~5
  git push --quiet origin main staging v1.0
  rm -rf "$work"
  mv "$REPOSITORY.new" "$REPOSITORY"
fi
git -C "$REPOSITORY" rev-list --count main
