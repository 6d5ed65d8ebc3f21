#!/bin/sh
# npm run lab: sets the machine up, starts a lab of three nodes, deploys the demo and proves that it works.
set -eu
cd "$(dirname "$0")/.."
sh scripts/bootstrap.sh
exec ./podway lab demo
