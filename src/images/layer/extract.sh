# Unpacks an archive (standard input) into a folder, in mount and pid namespaces that were just made for it: the root there
# holds the folder and, for tar's sake, the programs of this machine, read-only. Whatever the archive says, nothing else of
# the machine is within reach.
# $1: an empty folder for the root, $2: the folder to unpack into, $3: capabilities that tar keeps (+chown,+mknod …)
set -eu
root=$1 layer=$2 capabilities=$3
mount -t tmpfs -o size=64k,mode=755 tmpfs "$root"
for folder in /usr /bin /sbin /lib /lib32 /lib64 /libx32 /nix /gnu; do
  if [ -L "$folder" ]; then
    cp -P "$folder" "$root$folder"
  elif [ -d "$folder" ]; then
    mkdir "$root$folder"
    mount --bind "$folder" "$root$folder"
    mount -o remount,bind,ro "$root$folder"
  fi
done
mkdir "$root/layer"
mount --bind "$layer" "$root/layer"
cd /
exec chroot "$root" setpriv --no-new-privs --inh-caps=-all --bounding-set="-all,$capabilities" \
  tar --extract --file=- --directory=/layer --blocking-factor=256 --absolute-names --preserve-permissions --same-owner \
  --numeric-owner --xattrs '--xattrs-include=*' --delay-directory-restore --warning=no-timestamp
