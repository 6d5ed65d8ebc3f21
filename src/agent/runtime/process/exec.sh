#!/bin/sh
# Runs one command beside a container, with its environment, folder, limits and privileges.
#   exec.sh ENV-FILE FOLDER CGROUPS PRIVILEGES COMMAND [ARG]...     (as in shim.sh)
env_file=$1 folder=$2 groups=$3 privileges=$4
shift 4
podway_env=$(command -v env)
podway_setpriv=${privileges:+"$(command -v setpriv) $privileges"}
for podway_group in $groups; do
  echo 0 >"$podway_group/cgroup.procs" || exit 126
done
cd "$folder" || exit 126
unset PWD OLDPWD
. "$env_file"
exec $podway_setpriv "$podway_env" "$@"
