# Pid 1 of a lab's pid namespace, and of each of its hosts': starts what it is told to, and reaps whatever is orphaned here
# until that ends. When this process dies the kernel ends everything in the namespace.
# $1: where to write "ready" (or -), then the command; without one it only stays.
ready=$1
shift
trap 'exit 0' TERM INT
[ "$ready" = - ] || echo ready >"$ready"
if [ $# -gt 0 ]; then
  "$@" &
  main=$!
  while :; do
    wait "$main"
    code=$?
    # A trapped signal ends the wait as well; only the end of the command counts.
    kill -0 "$main" 2>/dev/null || exit "$code"
  done
fi
while :; do
  sleep 86400 &
  wait $!
done
