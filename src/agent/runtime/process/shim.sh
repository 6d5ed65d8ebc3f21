#!/bin/sh
# Stands between the agent and one container: starts the command in the pod, passes signals on, and writes its exit code.
# It runs in the pod's namespaces but its own pid is one of the outer pid namespace; only its children get pids of the pod.
#   shim.sh EXIT-FILE ENV-FILE FOLDER CGROUPS PRIVILEGES COMMAND [ARG]...
# CGROUPS: folders with a space between, or empty. PRIVILEGES: words for setpriv(1), or empty.
# On descriptor 3 it is told `go` (without it nothing is started), and answers `started` or `failed WHY`.
exit_file=$1 env_file=$2 folder=$3 groups=$4 privileges=$5
shift 5
read -r go <&3 && [ "$go" = go ] || exit 1

child=''
for signal in TERM INT HUP QUIT USR1 USR2; do
  trap "[ -z \"\$child\" ] || kill -$signal \"\$child\"" "$signal"
done
# What the container's environment sets is read into this shell: only names with `podway_` are safe from it.
podway_env=$(command -v env)
podway_setpriv=${privileges:+"$(command -v setpriv) $privileges"}
(
  podway_fail() {
    echo "failed $1" >&3
    exit 128
  }
  for podway_group in $groups; do
    echo 0 >"$podway_group/cgroup.procs" || podway_fail "cannot join the cgroup $podway_group"
  done
  cd "$folder" 2>/dev/null || podway_fail "workingDir: no such folder: $folder"
  unset PWD OLDPWD
  . "$env_file"
  # The command is the first word that is no NAME=value, as env(1) sees it.
  for podway_word; do
    case $podway_word in *=*) ;; *) break ;; esac
  done
  command -v -- "$podway_word" >/dev/null || podway_fail "exec: \"$podway_word\": executable file not found in \$PATH"
  echo started >&3
  # A shell starts background commands with INT and QUIT ignored.
  exec $podway_setpriv "$podway_env" --default-signal=INT,QUIT,PIPE "$@" 3>&-
) &
child=$!
# From here on this shell has nothing to say: the log is the container's.
exec 2>/dev/null 3>&-
# A signal interrupts wait; the child is done when it is no longer there.
while wait "$child"; code=$?; kill -0 "$child" 2>/dev/null; do :; done
# One write: complete when the line is. No command is run for it, since a pod that died lets nothing start.
echo "$code" >"$exit_file"
# What the command left behind in its session ends with it (and this shell, too).
kill -KILL 0
