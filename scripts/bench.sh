#!/bin/sh
# npm run bench: sets the machine up and measures. All of it, or what is named: lab, proxy, network, dns, ingress, agent,
# api, pods, workloads, fuzz. --smoke: in a tiny size, only to show that each still works.
# Times of a shared machine prove little: look at the ratios.
set -eu
cd "$(dirname "$0")/.."
sh scripts/bootstrap.sh
PATH="$PWD/node_modules/.bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export PATH

bench() {
  printf '\n== %s\n' "$1"
  case $1 in
    lab) node test/bench/lab.ts ;;
    proxy)
      sh scripts/universe.sh node test/bench/proxy-paths.ts
      sh scripts/universe.sh node --expose-gc test/bench/proxy.ts
      node test/bench/services.ts ;;
    network)
      PODWAY_NEEDS='/usr/lib/cni/host-local:containernetworking-plugins' sh scripts/bootstrap.sh
      for part in pod-network policy overlay; do sh scripts/universe.sh node "test/bench/$part.ts"; done ;;
    agent) sh scripts/universe.sh node --expose-gc "test/bench/$1.ts" ;;
    dns)
      PODWAY_NEEDS='dnsperf:dnsperf unbound:unbound dnsmasq:dnsmasq-base' sh scripts/bootstrap.sh
      node test/bench/dns.ts
      node test/bench/dns-changes.ts ;;
    ingress)
      PODWAY_NEEDS='nginx:nginx-light haproxy:haproxy wrk:wrk h2load:nghttp2-client curl:curl' sh scripts/bootstrap.sh
      node test/bench/ingress/main.ts ;;
    api) sh scripts/universe.sh node test/bench/api/main.ts ;;
    pods)
      PODWAY_NEEDS='busybox:busybox-static runc:runc' sh scripts/bootstrap.sh
      node test/bench/pods/main.ts ;;
    workloads)
      PODWAY_NEEDS='etcd:etcd-server' sh scripts/bootstrap.sh
      node test/bench/workloads/main.ts
      node test/bench/workloads/main.ts 3
      node test/bench/workloads/scale.ts ;;
    fuzz) node test/bench/fuzz.ts ;;
    *) echo "there is no bench called $1: lab, proxy, network, dns, ingress, agent, api, pods, workloads, fuzz" >&2; exit 2 ;;
  esac
}

if [ "${1:-}" = --smoke ]; then
  export PODWAY_BENCH_SMOKE=1
  shift
fi
[ $# -gt 0 ] || set -- lab proxy network dns ingress agent api pods workloads fuzz
for name; do bench "$name"; done
