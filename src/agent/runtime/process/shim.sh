#!/bin/sh
# Stands between the agent and one container: starts the command in the pod, passes signals on, and writes its exit code.
# It stays on the node, outside of the pod; only its children get pids of the pod.
#   shim.sh EXIT-FILE ENV-FILE STDIN CGROUPS ENTER START FOLDER COMMAND [ARG]...
# STDIN: a FIFO that is held open here, so that it does not end when nobody is at its other end, until WINCH says that it may;
# or empty. CGROUPS: folders with a space between, or empty. ENTER: the words that lead into the pod and leave the rights of the node
# behind. START: the text of start.sh.
# On descriptor 3 it is told `go` (without it nothing is started), and answers `started` or `failed WHY`.
exit_file=$1 env_file=$2 stdin=$3 groups=$4 enter=$5 start=$6
shift 6
read -r go <&3 && [ "$go" = go ] || exit 1

[ -z "$stdin" ] || exec 5<>"$stdin"
trap 'exec 5>&-' WINCH
child=''
for signal in TERM INT HUP QUIT USR1 USR2; do
  trap "[ -z \"\$child\" ] || kill -$signal \"\$child\"" "$signal"
done
(
  for group in $groups; do
    echo 0 >"$group/cgroup.procs" || {
      echo "failed cannot join the cgroup $group" >&3
      exit 128
    }
  done
  exec 4<"$env_file"
  # Who holds the other end, too, would never see the end.
  [ -z "$stdin" ] || exec <"$stdin" 5>&-
  nsenter=$(command -v nsenter)
  # Inside only programs are found that the pod cannot replace.
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  exec "$nsenter" $enter sh -c "$start" container "$@"
) &
child=$!
# From here on this shell has nothing to say: the log is the container's.
exec 2>/dev/null 3>&-
# A signal interrupts wait; the child is done when it is no longer there.
while wait "$child"; code=$?; kill -0 "$child" 2>/dev/null; do :; done
# When signal and end come in one moment, the code is left to another wait; else that one knows no such child.
wait "$child"
again=$?
[ "$again" = 127 ] || code=$again
# One write: complete when the line is. No command is run for it, since a pod that died lets nothing start.
echo "$code" >"$exit_file"
# What the command left behind in its session ends with it (and this shell, too).
kill -KILL 0
