#!/bin/sh
# The CNI plugin "loopback" by Podway: brings up lo in the network namespace of a pod. It needs no agent.
set -eu
config=$(cat)
version=$(printf '%s' "$config" | tr -d '\n' | sed -n 's/.*"cniVersion"[[:space:]]*:[[:space:]]*"\([0-9.]*\)".*/\1/p')
version=${version:-1.0.0}
netns=${CNI_NETNS:-}
refuse() {
  printf '{"cniVersion":"%s","code":%s,"msg":"%s"}\n' "$version" "$1" "$2"
  exit 1
}
inside() { nsenter --net="$netns" ip link set dev lo "$1" 2>/dev/null; }
case $netns in
*\"* | *\\*) refuse 4 'CNI_NETNS holds quotes' ;;
esac
case ${CNI_COMMAND:-} in
ADD)
  [ -n "$netns" ] || refuse 4 'CNI_NETNS is missing'
  inside up || refuse 5 "cannot set lo up in $netns"
  printf '{"cniVersion":"%s","interfaces":[{"name":"lo","mac":"00:00:00:00:00:00","sandbox":"%s"}],"ips":[{"version":"4","interface":0,"address":"127.0.0.1/8"}]}\n' "$version" "$netns"
  ;;
CHECK)
  nsenter --net="$netns" ip -o link show dev lo up 2>/dev/null | grep -q lo || refuse 102 "lo is not up in $netns"
  ;;
DEL) [ -z "$netns" ] || inside down || true ;;
STATUS | GC) ;;
VERSION) printf '{"cniVersion":"1.1.0","supportedVersions":["0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}\n' ;;
*) refuse 4 'CNI_COMMAND is none of ADD, CHECK, DEL, GC, STATUS, VERSION' ;;
esac
