#!/bin/sh
# The first process of a pod: it sets the pod's namespaces up, then stays and reaps. When it dies, the kernel kills all
# processes of the pod.
#   sandbox.sh HOSTNAME FOLDER SHARED     (an empty HOSTNAME leaves the name as it is)
# FOLDER holds what pod-root.ts has compiled, and the place of the pod's root: skeleton/, mounts (an fstab), root/.
# SHARED: `shared` is an fstab there, too, of what containers see and this process does not: unshare(1), which waits for us, holds
# those mounts. Or empty.
# On descriptor 3 it says `pid N` (as seen from outside) and goes on when it is told `go`; whatever goes wrong is said there too.
set -eu
exec 2>&3
# This is still the outer /proc, where `self` has its outer pid.
read -r stat </proc/self/stat
name=$1 folder=$2 shared=$3
root=$folder/root
[ -z "$name" ] || hostname "$name"
if [ -n "$shared" ]; then
  mount --all --fstab "$folder/shared"
  exec unshare --mount sh "$0" '' "$folder" ''
fi
mount -t tmpfs -o mode=755,nodev,nosuid pod "$root"
cp -a "$folder/skeleton/." "$root"
mount --all --fstab "$folder/mounts"
cd "$root"
pivot_root . .node
umount -l .node
cd /
rmdir .node
# From here on only programs are found that the pod cannot replace.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
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
