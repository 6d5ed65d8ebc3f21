# What has to work: hosts, pods across hosts, names, host ports, Ingress, and the end-to-end tests. To be sourced.

get='curl --silent --show-error --fail --max-time 3'
# on HOST COMMAND..: in that host's network.
on() { host=$1; shift; nsenter --net="/run/netns/$host" "$@"; }
# is WANTED COMMAND..: the command says exactly that.
is() { wanted=$1; shift; said=$("$@") && echo "$said" && [ "$said" = "$wanted" ]; }
has_qdisc() { nsenter --net=/run/netns/host2 tc qdisc show | grep -E 'tbf|htb'; }
from_pod() { kubectl exec client -- sh -c "$1"; }

# check SECONDS WHAT COMMAND..
check() { until_done "$@" && say "ok      $2"; }

hosts_ready() { [ "$(kubectl get nodes --no-headers | awk '$2 == "Ready"' | wc -l)" = 2 ]; }

ingress_served() {
  kubectl apply -f "$here/ingress.yaml" >>"$work/workload.log"
  applied=$(date +%s%N)
  check 20 'an Ingress is served' is web $get --header 'Host: web.example' http://172.31.0.12/hostName || return 1
  say "        within $((($(date +%s%N) - applied) / 1000000)) ms"
  check 20 'and by the host that has no such pod' is web $get --header 'Host: web.example' http://172.31.0.11/hostName || return 1
  kubectl delete -f "$here/ingress.yaml" --wait=false >>"$work/workload.log"
}

checks() {
  kubectl apply -f "$here/workload.yaml" >"$work/workload.log"
  check 120 'pods run on both hosts' kubectl wait --for=condition=Ready pod --all --timeout=5s || return 1
  failed=0
  check 20 'a pod reaches a pod of the other host through a Service, by name' is web from_pod 'curl -s --max-time 3 http://web/hostName' || failed=1
  check 20 'a host reaches a Service' is web on host1 $get "http://$(kubectl get service web -o jsonpath='{.spec.clusterIP}')/hostName" || failed=1
  check 20 'a node port of the other host' is web $get http://172.31.0.11:30080/hostName || failed=1
  check 20 'a host port, from outside' is web $get http://172.31.0.12:8080/hostName || failed=1
  check 20 'a host port over UDP, from outside' is web sh -c 'echo hostname | nc.openbsd -u -w 1 172.31.0.12 8081' || failed=1
  check 20 'a host port, from its own host' is web on host2 $get http://172.31.0.12:8080/hostName || failed=1
  check 20 'a host port, from the other host' is web on host1 $get http://172.31.0.12:8080/hostName || failed=1
  check 20 'a host port at 127.0.0.1 alone, from its own host' is web on host2 $get http://127.0.0.1:8082/hostName || failed=1
  if $get http://172.31.0.12:8082/hostName >/dev/null 2>&1; then
    say 'FAILED: a host port at 127.0.0.1 alone is open to others'
    failed=1
  fi
  check 20 "a pod's limit of bandwidth" has_qdisc || failed=1
  case ,$parts, in *,ingress,*) ingress_served || failed=1 ;; esac
  kubectl delete -f "$here/workload.yaml" --wait=false >>"$work/workload.log" 2>&1 || failed=1
  return "$failed"
}

# A regular expression of the names in the file.
focus() { sed -e 's/[][().*+?^$|{}\\]/\\&/g' -e 's/[[:space:]]*$//' "$1" | grep . | paste -sd'|'; }

end_to_end() {
  wanted=$(grep -c . "$tests")
  say "end-to-end tests: $wanted"
  # Some tests ask first whether http://google.com answers, and go on within the cluster: an answer of the universe stands in.
  "$binaries/agnhost" netexec --http-port=3128 --udp-port=3128 >"$work/outside.log" 2>&1 &
  http_proxy=http://127.0.0.1:3128 no_proxy=172.31.0.0/16,10.0.0.0/8 "$binaries/e2e.test" -ginkgo.noColor -ginkgo.focus="$(focus "$tests")" --provider=skeleton --kubeconfig="$work/pki/admin.conf" \
    --kubectl-path="$binaries/kubectl" ${source:+--repo-root="$source"} --node-schedulable-timeout=1m --allowed-not-ready-nodes=0 \
    --dump-logs-on-failure=false --num-nodes=2 --report-dir="$work/report" >"$work/e2e.log" 2>&1 || true
  cat "$work"/report/junit*.xml 2>/dev/null | tr -d '\n' | sed 's/<testcase/\n<testcase/g' | grep '^<testcase' | grep -v '<skipped' |
    sed -E 's/^<testcase name="([^"]*)".* time="([0-9.]+)"(.*)$/\2 \1 \3/' |
    awk '{ time = $1; $1 = ""; failed = sub(/ *>? *<failure.*/, ""); sub(/ *(\/>|><\/testcase>).*/, ""); printf "%8.1f s  %s %s\n", time, failed ? "FAILED" : "ok    ", $0 }'
  passed=$(sed -nE 's/.* ([0-9]+) Passed .*/\1/p' "$work/e2e.log" | tail -n 1)
  say "end-to-end tests passed: ${passed:-0} of $wanted"
  [ "${passed:-0}" = "$wanted" ] && return 0
  grep -A 12 -E '^\[Fail\]|• Failure|^\[FAIL\]' "$work/e2e.log" | head -n 80
  return 1
}
