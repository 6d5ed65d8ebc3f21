#!/bin/sh
# Brings what Podway needs on this machine: Debian packages, Node, npm packages, the compiled program.
# Quick and silent when everything is there. Says what it waits for, and what to do when it cannot help.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'podway: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# Sbin folders are not on an ordinary user's PATH, but the programs there answer to everybody.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export PATH

# program:package, with Debian's package names. PODWAY_NEEDS adds what tests or benches want, too; PODWAY_WISHES what is only brought
# where packages can be installed, and done without elsewhere.
needs="iptables-nft-restore:iptables ip:iproute2 conntrack:conntrack nsenter:util-linux unshare:util-linux mount:mount ps:procps ${PODWAY_NEEDS:-}"
missing_of() {
  for need in $1; do
    has "${need%%:*}" || printf '%s\n' "${need##*:}"
  done | sort -u | tr '\n' ' '
}
missing=$(missing_of "$needs")
has kubectl || missing="${missing}kubernetes-client "
wished=$(missing_of "${PODWAY_WISHES:-}")
is_debian() { [ -f /etc/debian_version ] && has apt-get; }

# Says nothing unless it fails.
install_packages() {
  say "installing Debian packages: $*"
  log=$(mktemp)
  # Debian starts the server of a package as soon as it is installed, unless this file forbids it: whoever needs one starts it.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    say "apt-get could not install: $* (whole log: $log)"
    return 1
  fi
  rm -f "$log"
}

if [ -n "$missing" ]; then
  is_debian ||
    fail "please install (Debian's names): ${missing% }; kubernetes-client is kubectl. Then run this again."
  [ "$(id -u)" = 0 ] ||
    fail "packages are missing; please run: sudo apt-get install ${missing% }"
  install_packages $missing || exit 1
fi
if [ -n "$wished" ] && is_debian && [ "$(id -u)" = 0 ]; then
  install_packages $wished || say "going on without ${wished% }"
fi

node_is_new() { "$1" -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 24 ? 0 : 1)' 2>/dev/null; }

has node || fail "please install Node.js (20 or newer, with npm)"
has npm || fail "please install npm (on Debian: it comes with Node.js, or the package npm)"

# npm packages: once for each lock file.
stamp=node_modules/.podway-lock
if ! cmp -s package-lock.json "$stamp" 2>/dev/null; then
  say 'installing npm packages (npm ci)'
  npm ci --no-fund --no-audit --loglevel=error >&2 || fail 'npm ci failed; its message is above'
  cp package-lock.json "$stamp"
fi

# Node 24 or newer: the machine's own, or the one in the npm package "node".
if ! node_is_new "$(command -v node)" && ! node_is_new node_modules/.bin/node; then
  say "the machine's Node is $(node -v); bringing Node 24 from the npm package \"node\""
  npm install --no-save --no-package-lock --no-fund --no-audit --loglevel=error node@24 >&2 ||
    fail 'could not install the npm package node@24; its message is above'
  # Where npm does not run install scripts, the package's own one is run here.
  node_is_new node_modules/.bin/node || (cd node_modules/node && node installArchSpecificPackage) >&2 || true
  node_is_new node_modules/.bin/node || fail 'the npm package node@24 is installed but its node does not start'
  cp package-lock.json "$stamp"
fi
PATH="$PWD/node_modules/.bin:$PATH"
node_is_new node || PATH="$PWD/node_modules/node/bin:$PATH"

# The compiled program, again whenever a source is newer.
if [ ! -e dist/.built ] || [ -n "$(find src tsconfig.json tsconfig.build.json -newer dist/.built -print -quit)" ]; then
  say 'compiling'
  sh scripts/build.sh >&2 || fail 'the sources do not compile; tsc says why above'
fi
