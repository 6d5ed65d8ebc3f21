#!/bin/sh
# Runs one command beside a container, with its environment, folder, limits and rights.
#   exec.sh INPUT ENV-FILE CGROUPS ENTER START FOLDER COMMAND [ARG]...     (as in shim.sh)
# INPUT: `pipe` when what we are given is a socket, which the command could not open a second time (/dev/stdin); or empty.
input=$1 env_file=$2 groups=$3 enter=$4 start=$5
shift 5
run() {
  for group in $groups; do
    echo 0 >"$group/cgroup.procs" || exit 126
  done
  exec 4<"$env_file"
  nsenter=$(command -v nsenter)
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  exec "$nsenter" $enter sh -c "$start" exec "$@"
}
[ "$input" = pipe ] || run "$@"
# The command is waited for, and cat is not: it ends with what it reads, which ends with the command.
exec 3<&0
{ cat <&3 3<&- & } | {
  exec 3<&-
  # Whoever the container runs as.
  chmod 666 /proc/self/fd/0
  run "$@"
}
