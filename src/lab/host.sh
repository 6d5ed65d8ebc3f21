# Makes the inside of a lab host, in mount, uts and pid namespaces that were just made for it: its own /run (the xtables
# lock is there), /proc, /sys of its network, name and resolver. Then it becomes the host's pid 1 (init.sh).
# $1: init.sh, $2: name, $3: a folder for its files, $4: where to write "ready"
set -e
init=$1 name=$2 folder=$3 ready=$4
mount --make-rprivate /
mount -t proc proc /proc
# The command and ready files live in the lab's /run, which the host must not see: keep a way to them.
exec 4>"$ready"
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/netns
echo "$name" >/proc/sys/kernel/hostname
mkdir -p "$folder" && : >"$folder/resolv.conf"
# A lab has no way out, so a resolver of the machine outside would only make every lookup wait.
mount --bind "$folder/resolv.conf" "$(readlink -f /etc/resolv.conf)"
echo ready >&4
exec 4>&-
exec sh "$init" -
