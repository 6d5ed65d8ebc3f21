# Makes the inside of a lab host, in mount, uts and pid namespaces that were just made for it: its own /run (the xtables
# lock is there), /proc, /sys of its network, name and resolver. Then it becomes the host's pid 1 (init.sh).
# $1: init.sh, $2: name, $3: a folder for its files. Writes "ready" to descriptor 3.
set -e
init=$1 name=$2 folder=$3
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/netns
hostname "$name"
mkdir -p "$folder" && : >"$folder/resolv.conf"
# A lab has no way out, so a resolver of the machine outside would only make every lookup wait.
mount --bind "$folder/resolv.conf" "$(readlink -f /etc/resolv.conf)"
echo ready >&3
exec 3>&-
exec sh "$init" -
