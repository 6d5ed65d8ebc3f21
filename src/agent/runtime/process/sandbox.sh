#!/bin/sh
# The first process of a pod: it sets the pod's namespaces up, then stays and reaps. When it dies, the kernel kills all
# processes of the pod.
#   sandbox.sh HOSTNAME [SOURCE TARGET]...     (an empty HOSTNAME leaves the name as it is)
# On descriptor 3 it says `pid N` (as seen from outside) and goes on when it is told `go`; whatever goes wrong is said there too.
set -eu
exec 2>&3
# This is still the outer /proc, where `self` has its outer pid.
read -r stat </proc/self/stat
name=$1
shift
[ -z "$name" ] || hostname "$name"
mount -t proc proc /proc
mount -t tmpfs -o mode=1777,nosuid,nodev shm /dev/shm
while [ $# -ge 2 ]; do
  # The target may be a link, and where it leads may not exist in this namespace.
  target=$(readlink -m "$2")
  [ -e "$target" ] || { mkdir -p "${target%/*}" && : >"$target"; }
  mount --bind "$1" "$target"
  shift 2
done
echo "pid ${stat%% *}" >&3
read -r go <&3 && [ "$go" = go ] || exit 1
exec 2>/dev/null 3>&-
trap 'exit 0' TERM
trap '' HUP INT QUIT
# A shell that waits reaps every child, also those it inherits.
while :; do
  sleep 86400 &
  wait $!
done
