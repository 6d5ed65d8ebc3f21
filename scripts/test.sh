#!/bin/sh
# npm test: sets the machine up, then types, lint, and every test. Arguments are parts of the names of test files to run
# alone. npm run test:long: kills, soaks and long fuzzing.
set -eu
cd "$(dirname "$0")/.."
# Peers of the benches, which run in a tiny size.
peers='dnsperf:dnsperf unbound:unbound dnsmasq:dnsmasq-base nginx:nginx-light haproxy:haproxy wrk:wrk h2load:nghttp2-client curl:curl'
images='containerd:containerd docker-registry:docker-registry skopeo:skopeo umoci:umoci busybox:busybox-static runc:runc'
PODWAY_NEEDS="etcd:etcd-server /usr/lib/cni/host-local:containernetworking-plugins $images $peers" sh scripts/bootstrap.sh
PATH="$PWD/node_modules/.bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export PATH
exec node --disable-warning=ExperimentalWarning scripts/test/main.ts "$@"
