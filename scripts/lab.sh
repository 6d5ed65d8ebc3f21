#!/bin/sh
# npm run lab: sets the machine up, starts a lab of three nodes, deploys the demo and proves that it works. The last of its pods is
# one of an image that is made of busybox, and run by runc: without them the demo says so.
set -eu
cd "$(dirname "$0")/.."
PODWAY_WISHES='busybox:busybox-static runc:runc' sh scripts/bootstrap.sh
exec ./podway lab demo
