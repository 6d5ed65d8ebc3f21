# Run in a pod by somebody who wants the node: each line of the answer is one way in that was open. Nothing said is good.
#   attack.sh SECRET-FILE
# SECRET-FILE holds "the-secret"; the launcher's environment holds LAUNCHER_SECRET.
secret=$1
open() { echo "OPEN $1"; }
holds() { grep -aq the-secret "$1" 2>/dev/null; }

holds "$secret" && open "the secret by its name"
for path in /root/.kube /root/.ssh /root/.podway /etc/kubernetes /etc/ssh/*_key /var/lib/podway /var/lib/kubelet /run/podway /home/* \
  /run/docker.sock /run/containerd /var/run/docker.sock /run/dbus /run/systemd; do
  [ -e "$path" ] && open "$path is there"
done
cat /etc/shadow >/dev/null 2>&1 && open '/etc/shadow'
[ -z "${LAUNCHER_SECRET-}" ] || open 'the environment of the launcher'
for process in /proc/[0-9]* /proc/self; do
  holds "$process/root$secret" && open "$process/root"
  holds "$process/cwd$secret" && open "$process/cwd"
  grep -aq LAUNCHER_SECRET "$process/environ" 2>/dev/null && open "$process/environ"
  for descriptor in "$process"/fd/*; do
    holds "$descriptor/$secret" && open "$descriptor"
    case $(readlink "$descriptor") in
      *.log | pipe:* | socket:* | /dev/null | '' | /tmp/* | anon_inode:*) ;;
      *) [ "$(readlink "$descriptor")" = "$0" ] || open "$descriptor is $(readlink "$descriptor")" ;;
    esac
  done
done
mkdir -p /tmp/a
for options in '-t tmpfs none' '--bind /usr' '-t proc proc' '-t sysfs sys' '-t cgroup2 none' '-t cgroup -o memory none' '-t devtmpfs none'; do
  mount $options /tmp/a 2>/dev/null && open "mount $options"
done
for path in /usr /etc /proc/sys; do
  mount -o remount,bind,rw "$path" 2>/dev/null && open "remount $path"
done
for path in /proc/sys /proc /proc/keys /etc /sys; do umount "$path" 2>/dev/null && open "umount $path"; done
# In a user namespace of one's own one is somebody, but what was mounted before stays as it is.
unshare --user --map-root-user --mount sh -c '
  umount /proc/keys || umount /proc/sys || umount /etc || umount /sys || mount -t proc proc /tmp/a ||
    mount -t sysfs sys /tmp/a || mount -o remount,bind,rw /usr || mount -t cgroup2 none /tmp/a' 2>/dev/null &&
  open 'mounts from a user namespace'
for kind in mount net pid uts ipc cgroup; do
  nsenter --target 1 "--$kind" true 2>/dev/null && open "nsenter --$kind"
done
unshare --mount true 2>/dev/null && open 'unshare --mount'
unshare --net true 2>/dev/null && open 'unshare --net'
for device in 'b 254 0' 'b 8 0' 'c 1 1'; do
  rm -f /tmp/device
  mknod /tmp/device $device 2>/dev/null && head -c 512 /tmp/device >/dev/null 2>&1 && open "device $device"
done
for path in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/net/ipv4/ip_forward /proc/sysrq-trigger \
  /sys/kernel/uevent_helper /sys/kernel/mm/ksm/run; do
  { echo 0 >"$path"; } 2>/dev/null && open "writing to $path"
done
for path in /usr/bin/podway-evil /etc/podway-evil /lib/podway-evil; do
  { true >"$path"; } 2>/dev/null && open "writing to $path"
done
[ -s /proc/kcore ] && open /proc/kcore
[ -s /proc/keys ] && open /proc/keys
ls /sys/fs/cgroup/* >/dev/null 2>&1 && open 'control groups'
chroot /proc/1/root true 2>/dev/null && holds "/proc/1/root$secret" && open 'chroot'
perl -e 'exit(syscall(101, 16, 1, 0, 0) < 0)' 2>/dev/null && open 'ptrace of process 1'
perl -e 'exit(syscall(303, -100, "/usr", pack("I i x128", 128, 0), my $m = "\0" x 8, 0) < 0 || syscall(304, 1, pack("I i Q", 8, 1, 2), 0) < 0)' \
  2>/dev/null && open 'open_by_handle_at'
ip link add evil type dummy 2>/dev/null && open 'a new link'
ip link set lo mtu 1400 2>/dev/null && open 'links of the pod'
iptables -L -n >/dev/null 2>&1 && open 'iptables'
kill -0 1 2>/dev/null || open 'it is not in a pod of its own'
hostname evil 2>/dev/null && open 'the host name'
date -s '2030-01-01' >/dev/null 2>&1
[ "$(date +%Y)" = 2030 ] && open 'the clock'
# Programs that whoever starts containers might find in place of the node's.
mkdir -p /root/bin /tmp/plant
for name in setpriv sh env cat sleep nsenter mount; do
  for folder in /root/bin /tmp/plant; do
    printf '#!/bin/sh\n/usr/bin/grep CapEff /proc/self/status >>/tmp/planted\nexec /usr/bin/%s "$@"\n' "$name" >"$folder/$name"
    chmod 755 "$folder/$name"
  done
done
echo done
