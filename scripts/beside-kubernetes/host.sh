#!/bin/sh
# host.sh NAME ADDRESS: one host's containerd, kubelet and Podway agent, within its network namespace and mount, UTS and
# cgroup namespaces that are made here. Ends with the first of the three that ends.
set -eu
name=$1 address=$2
. "$here/cgroups.sh"
if [ "${3:-}" != inside ]; then
  make_cgroups "$cgroup/$name"
  enter_cgroups "$cgroup/$name"
  exec nsenter --net="/run/netns/$name" unshare --mount --uts --cgroup sh "$0" "$name" "$address" inside
fi
hostname "$name"
home=$work/$name
mkdir -p "$home/log" "$home/cni/bin" "$home/cni/net.d" "$home/kubelet" "$home/containerd"

# Its own view of /sys: the devices of its network, and its control groups as the root.
hierarchies >"$home/hierarchies"
mount --make-rprivate /
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
while read -r point options; do
  controllers=$(echo "$options" | tr , '\n' | grep -vxE 'rw|ro|relatime|noatime|nosuid|nodev|noexec|xattr' | paste -sd,)
  case $controllers in name=*) controllers="none,$controllers" ;; esac
  mkdir -p "$point"
  mount -t cgroup -o "$controllers" cgroup "$point"
done <"$home/hierarchies"
mount -t tmpfs -o mode=755 tmpfs /run
mount --bind "$home/log" /var/log
# Settings of the whole machine that a kubelet would change: it finds them as it wants them.
for setting in vm/overcommit_memory:1 vm/panic_on_oom:0 kernel/panic:10 kernel/panic_on_oops:1 kernel/keys/root_maxkeys:1000000 \
  kernel/keys/root_maxbytes:25000000; do
  file=$home/$(echo "${setting%:*}" | tr / .)
  echo "${setting#*:}" >"$file"
  mount --bind "$file" "/proc/sys/${setting%:*}"
done
mount --make-rshared /
# Nobody outside is there to be asked.
printf 'nameserver %s\n' "$gateway" >"$home/resolv.conf"
mount --bind "$home/resolv.conf" /etc/resolv.conf

cat >"$home/containerd.toml" <<TOML
version = 2
root = "$home/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "$home/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "k8s.gcr.io/pause:3.2"
  restrict_oom_score_adj = true
  disable_apparmor = true
  disable_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$home/cni/bin"
    conf_dir = "$home/cni/net.d"
TOML
cat >"$home/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: { enabled: false }
  webhook: { enabled: true }
  x509: { clientCAFile: $work/pki/ca.crt }
authorization: { mode: Webhook }
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failSwapOn: false
clusterDNS: [$cluster_dns]
clusterDomain: cluster.local
resolvConf: $home/resolv.conf
hairpinMode: none
featureGates: { DevicePlugins: false }
volumePluginDir: $home/volume-plugins
evictionHard: { memory.available: 50Mi, nodefs.available: 100Mi, imagefs.available: 100Mi }
imageGCHighThresholdPercent: 100
nodeStatusUpdateFrequency: 2s
maxPods: 250
YAML

cp "$plugins/loopback" "$home/cni/bin/"
"$podway" cni install --bin-dir "$home/cni/bin" --conf-dir "$home/cni/net.d" >"$home/cni.log"

containerd --config "$home/containerd.toml" >"$home/containerd.log" 2>&1 &
containerd=$!
until ctr --connect-timeout 1s version >/dev/null 2>&1; do
  kill -0 "$containerd" || { echo "$name: containerd does not start:" >&2; tail -n 3 "$home/containerd.log" >&2; exit 1; }
  sleep 0.2
done
ctr --namespace k8s.io images import "$work/images/images.tar" >"$home/import.log"

"$binaries/kubelet" --config "$home/kubelet.yaml" --kubeconfig "$work/pki/kubelet-$name.conf" --hostname-override "$name" \
  --node-ip "$address" --root-dir "$home/kubelet" --cert-dir "$home/kubelet-pki" --container-runtime remote \
  --container-runtime-endpoint unix:///run/containerd/containerd.sock --image-service-endpoint unix:///run/containerd/containerd.sock \
  --v "${KUBELET_LOG_LEVEL:-2}" >"$home/kubelet.log" 2>&1 &
kubelet=$!
"$podway" agent --kubeconfig "$work/pki/podway-$name.conf" --node-name "$name" --node-ip "$address" --data "$home/podway" \
  --cluster-cidr "$pod_range" --service-cidr "$service_range" --cluster-dns "$cluster_dns" --only "$parts" >"$home/podway.log" 2>&1 &
agent=$!
echo "$agent" >"$home/podway.pid"
while kill -0 "$containerd" && kill -0 "$kubelet" && kill -0 "$agent"; do sleep 1; done 2>/dev/null
echo "$name: one of containerd, kubelet and podway has ended; see its log in $home" >&2
exit 1
