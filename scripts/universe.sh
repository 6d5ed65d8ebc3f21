#!/bin/sh
# Runs a command in pid, mount and network namespaces of its own (and a user namespace when not root), with an empty
# /run: what it makes there vanishes with it, and the machine's own network is out of its reach.
#   sh scripts/universe.sh node test/integration/overlay.test.ts
set -eu
user=''
[ "$(id -u)" = 0 ] || user='--user --map-root-user'
if ! said=$(unshare $user --net --mount --pid --fork true 2>&1); then
  echo "podway: this machine gives no namespaces to $(id -un): $said" >&2
  for key in kernel.unprivileged_userns_clone user.max_user_namespaces kernel.apparmor_restrict_unprivileged_userns; do
    file=/proc/sys/$(echo "$key" | tr . /)
    [ -r "$file" ] && echo "podway: $key is $(cat "$file")" >&2
  done
  echo 'podway: run as root, or allow it: sysctl -w kernel.unprivileged_userns_clone=1 (Debian), user.max_user_namespaces=10000, kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu)' >&2
  exit 1
fi
# The shell stays pid 1 and reaps what others leave behind.
exec unshare $user --net --mount --pid --fork --kill-child --mount-proc \
  sh -c 'mount -t tmpfs -o mode=755 tmpfs /run && ip link set lo up && { "$@"; exit $?; }' universe "$@"
