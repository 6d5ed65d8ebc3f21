#!/bin/sh
# Stands between the agent and one container of an image: mounts its root, has the runtime program run it, and writes its exit
# code. It stays on the node, in a mount namespace of its own (a copy of the pod's), so that nobody else sees what is mounted here,
# and nothing is left of it when the last process is gone. Only its children get pids of the pod.
#   shim.sh EXIT-FILE STDIN BUNDLE LAYERS OVERLAY PROC PROGRAM STATE ID COMMAND...
# STDIN: a FIFO that is held open here, so that it does not end when nobody is at its other end, until WINCH says that it may; or
# empty. LAYERS: the folder that OVERLAY, the options of the mount, is relative to. PROC: whether the pod has pids of its own: `own`,
# or empty. PROGRAM: the runtime program, its folder STATE and the container's ID there. COMMAND: what runs the container.
# On descriptor 3 it says `mounted`, is told `go` (without it nothing is started), and says `failed WHY` if there was nothing to run.
exit_file=$1 stdin=$2 bundle=$3 layers=$4 overlay=$5 proc=$6 program=$7 state=$8 id=$9
shift 9
fail() {
  echo "failed $1" >&3
  exit 128
}
# Newer versions of mount(8) would hand over the layers one by one, and no more than 256 bytes of them.
export LIBMOUNT_FORCE_MOUNT2=always
cd "$layers" || fail "no such folder: $layers"
said=$(mount -t overlay -o "$overlay" overlay "$bundle/rootfs" 2>&1) || fail "cannot mount the layers of the image: $said"
cd "$bundle" || fail "no such folder: $bundle"
# The runtime program looks for its children by the pids that they have for it.
[ -z "$proc" ] || said=$(mount -t proc proc /proc 2>&1) || fail "cannot mount proc: $said"
echo mounted >&3
read -r go <&3 && [ "$go" = go ] || exit 1

[ -z "$stdin" ] || exec 5<>"$stdin"
trap 'exec 5>&-' WINCH
# The agent may be gone when there is something to say to it.
trap : PIPE
child=''
for signal in TERM INT HUP QUIT USR1 USR2; do
  trap "[ -z \"\$child\" ] || kill -$signal \"\$child\"" "$signal"
done
(
  # Who holds the other end, too, would never see the end.
  [ -z "$stdin" ] || exec <"$stdin" 5>&-
  # A shell starts background commands with INT and QUIT ignored.
  exec env --default-signal=INT,QUIT,PIPE "$@" 3>&-
) &
child=$!
# A signal interrupts wait; the child is done when it is no longer there.
while wait "$child"; code=$?; kill -0 "$child" 2>/dev/null; do :; done
# From here on this shell has nothing to say: the log is the container's.
exec 2>/dev/null
# When signal and end come in one moment, the code is left to another wait; else that one knows no such child.
wait "$child"
again=$?
[ "$again" = 127 ] || code=$again
if [ ! -e pid ]; then
  echo "failed $(tail -n 1 program.log)" >&3
  code=128
elif [ "$code" = 137 ]; then
  # Perhaps it was the program that was killed: then the container still runs.
  "$program" --root "$state" kill --all "$id" KILL 3>&- >/dev/null
fi
exec 3>&-
# One write: complete when the line is.
echo "$code" >"$exit_file"
# What was left behind in this session ends with it (and this shell, too).
kill -KILL 0
