#!/bin/sh
# A real Kubernetes with Podway's agent in place of kube-proxy, flannel and CoreDNS: API server, controllers, scheduler, and
# two hosts with kubelet and containerd, all within namespaces of their own. What it needs: beside-kubernetes/README.md
#   sh scripts/beside-kubernetes.sh --binaries DIR                     hosts, pods, host ports, Ingress
#   sh scripts/beside-kubernetes.sh --binaries DIR --tests NAMES       and the end-to-end tests that the file names
#   sh scripts/beside-kubernetes.sh --binaries DIR --shell             and a shell inside, with kubectl
set -eu
here=$(cd "$(dirname "$0")" && pwd)/beside-kubernetes
usage() {
  sed -n 's/^#   sh/  sh/p' "$0" >&2
  echo '  --kubernetes-source DIR  the tree that e2e.test was built from (for tests that read files)' >&2
  echo '  --parts LIST             parts of the agent (default: network,proxy,dns,ingress)' >&2
  echo '  --logs DIR               where the logs are copied to' >&2
  echo '  --timeout SECONDS        for all of it (default: 2400)' >&2
  exit 2
}
fail() { echo "beside-kubernetes: $*" >&2; exit 1; }

binaries=${KUBERNETES_BINARIES:-} tests='' shell='' source='' logs='' parts=network,proxy,dns,ingress limit=2400
while [ $# -gt 0 ]; do
  case $1 in
    --shell) shell=yes; shift; continue ;;
    --binaries | --tests | --kubernetes-source | --parts | --logs | --timeout) [ $# -ge 2 ] || usage ;;
    *) usage ;;
  esac
  case $1 in
    --binaries) binaries=$2 ;;
    --tests) tests=$(readlink -f "$2") ;;
    --kubernetes-source) source=$(readlink -f "$2") ;;
    --parts) parts=$2 ;;
    --logs) logs=$(mkdir -p "$2" && readlink -f "$2") ;;
    --timeout) limit=$2 ;;
  esac
  shift 2
done
[ -n "$binaries" ] || usage
[ "$(id -u)" = 0 ] || fail 'kubelets want root'
binaries=$(readlink -f "$binaries")
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export PATH

PODWAY_NEEDS='containerd:containerd runc:runc etcd:etcd-server /usr/lib/cni/loopback:containernetworking-plugins busybox:busybox-static
  dig:bind9-dnsutils nc.openbsd:netcat-openbsd curl:curl wget:wget openssl:openssl' sh "$here/../bootstrap.sh"
for program in kube-apiserver kube-controller-manager kube-scheduler kubelet kubectl agnhost ${tests:+e2e.test}; do
  [ -x "$binaries/$program" ] || fail "there is no $binaries/$program"
done
for controller in cpu cpuacct cpuset memory devices pids; do
  grep -q "^cgroup /[^ ]* cgroup [^ ]*\b$controller\b" /proc/mounts ||
    fail "this Kubernetes needs control groups of version 1, and $controller is not mounted"
done

work=$(mktemp -d "${TMPDIR:-/tmp}/podway-beside-XXXXXX")
. "$here/cgroups.sh"
universe=''
cleanup() {
  trap '' INT TERM HUP
  # With its first process everything inside is gone: processes, mounts, devices.
  [ -z "$universe" ] || { kill -KILL "$universe" 2>/dev/null || true; wait "$universe" 2>/dev/null || true; }
  remove_cgroups "podway-beside-$$" || true
  [ -z "$logs" ] || (cd "$work" && find . -name '*.log' -type f -exec cp --parents {} "$logs" \;) || true
  rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

make_cgroups "podway-beside-$$"
export work binaries tests shell source logs parts here
export cgroup="podway-beside-$$"
# A process of the background has no terminal of itself, and a shell inside wants one.
if [ -n "$shell" ]; then trap '' INT; exec 3<&0; else exec 3</dev/null; fi
sh "$here/../universe.sh" sh "$here/cluster.sh" <&3 &
universe=$!
deadline=$(($(date +%s) + limit))
while kill -0 "$universe" 2>/dev/null; do
  [ -n "$shell" ] || [ "$(date +%s)" -lt "$deadline" ] || fail "not done after $limit s"
  sleep 1
done
code=0
wait "$universe" || code=$?
universe=''
exit "$code"
