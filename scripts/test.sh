#!/bin/sh
# npm test: sets the machine up, then types, lint, and every test. Arguments are test files to run alone.
set -eu
cd "$(dirname "$0")/.."
PODWAY_NEEDS='etcd:etcd-server /usr/lib/cni/host-local:containernetworking-plugins' sh scripts/bootstrap.sh
PATH="$PWD/node_modules/.bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export PATH
exec node --disable-warning=ExperimentalWarning scripts/test/main.ts "$@"
