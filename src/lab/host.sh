# Makes the inside of a lab host, in mount, uts and pid namespaces that were just made for it: its own /run (the xtables
# lock is there), /var/lib on its own disk, /proc, /sys of its network, name and resolver. Then it becomes the host's pid 1
# (init.sh).
# $1: init.sh, $2: name, $3: a folder for its files, $4: its disk, which outlives it. Writes "ready" to descriptor 3.
set -e
init=$1 name=$2 folder=$3 disk=$4
mount --make-rprivate /
mount -t proc proc /proc
# The disk: what is written below /var/lib is there again after a power cut. Without overlayfs /var/lib begins empty.
mkdir -p "$disk/upper" "$disk/work" "$disk/podway"
if ! mount -t overlay -o "lowerdir=/var/lib,upperdir=$disk/upper,workdir=$disk/work" overlay /var/lib 2>/dev/null; then
  mount --bind "$disk/upper" /var/lib
fi
# Podway's own part hides what the machine outside may have there.
mkdir -p /var/lib/podway
mount --bind "$disk/podway" /var/lib/podway
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/netns
hostname "$name"
mkdir -p "$folder" && : >"$folder/resolv.conf"
# A lab has no way out, so a resolver of the machine outside would only make every lookup wait.
mount --bind "$folder/resolv.conf" "$(readlink -f /etc/resolv.conf)"
echo ready >&3
exec 3>&-
exec sh "$init" -
