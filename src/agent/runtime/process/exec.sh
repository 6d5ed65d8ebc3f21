#!/bin/sh
# Runs one command beside a container, with its environment, folder, limits and rights.
#   exec.sh ENV-FILE CGROUPS ENTER START FOLDER COMMAND [ARG]...     (as in shim.sh)
env_file=$1 groups=$2 enter=$3 start=$4
shift 4
for group in $groups; do
  echo 0 >"$group/cgroup.procs" || exit 126
done
exec 4<"$env_file"
nsenter=$(command -v nsenter)
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
exec "$nsenter" $enter sh -c "$start" exec "$@"
