#!/bin/sh
# npm test: sets the machine up, then types, lint, and every test. Arguments are parts of the names of test files to run
# alone. npm run test:long: kills, soaks and long fuzzing.
set -eu
cd "$(dirname "$0")/.."
PODWAY_NEEDS='etcd:etcd-server /usr/lib/cni/host-local:containernetworking-plugins' sh scripts/bootstrap.sh
PATH="$PWD/node_modules/.bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export PATH
exec node --disable-warning=ExperimentalWarning scripts/test/main.ts "$@"
