#!/bin/sh
# npm run compare -- --reference URL: asks a Kubernetes API server and ours the same questions, and tells where they differ.
set -eu
cd "$(dirname "$0")/.."
sh scripts/bootstrap.sh
exec node --disable-warning=ExperimentalWarning scripts/compare.ts "$@"
