#!/bin/sh
# npm run mutants -- ROOM ...: how many small changes of a room's sources its unit tests notice. Without a name: all rooms
# of scripts/mutants/rooms.ts. A room takes a few minutes.
set -eu
cd "$(dirname "$0")/.."
sh scripts/bootstrap.sh
PATH="$PWD/node_modules/.bin:$PATH"
export PATH
tap build >/dev/null
exec nice -n 10 node --disable-warning=ExperimentalWarning scripts/mutants/main.ts "$@"
