#!/bin/sh
# In the universe: a network of two hosts, a control plane on the first, and the checks. The universe's own namespace is
# a client outside of the cluster, at $gateway.
set -eu
export gateway=172.31.0.1 cluster_dns=10.96.0.10 pod_range=10.244.0.0/16 service_range=10.96.0.0/16 first_service=10.96.0.1
export podway="$here/../../podway" plugins=/usr/lib/cni
hosts='host1:172.31.0.11 host2:172.31.0.12'
server=172.31.0.11
kubectl() { "$binaries/kubectl" --kubeconfig "$work/pki/admin.conf" --cache-dir "$work/kubectl" "$@"; }
say() { printf '%6s s  %s\n' "$(($(date +%s) - began))" "$*"; }
began=$(date +%s)

# until_done SECONDS WHAT COMMAND..: tries again until it succeeds.
until_done() {
  deadline=$(($(date +%s) + $1)) what=$2
  shift 2
  until "$@" >"$work/last.out" 2>&1; do
    [ "$(date +%s)" -lt "$deadline" ] || { say "FAILED: $what"; tail -n 5 "$work/last.out"; return 1; }
    sleep 0.2
  done
}

network() {
  ip link add br0 type bridge
  ip addr add "$gateway/24" dev br0
  ip link set br0 up
  mkdir -p /run/netns
  for host in $hosts; do
    name=${host%:*}
    ip netns add "$name"
    ip link add "$name" type veth peer name eth0 netns "$name"
    ip link set "$name" master br0 up
    ip -netns "$name" link set lo up
    ip -netns "$name" addr add "${host#*:}/24" dev eth0
    ip -netns "$name" link set eth0 up
    ip -netns "$name" route add default via "$gateway"
  done
}

# start NAME COMMAND..: in the first host's network, its output in a log.
start() {
  log=$work/$1.log
  shift
  nsenter --net=/run/netns/host1 "$@" >"$log" 2>&1 &
}

control_plane() {
  pki=$work/pki
  start etcd etcd --data-dir "$work/etcd" --unsafe-no-fsync --log-level error
  start apiserver "$binaries/kube-apiserver" --etcd-servers http://127.0.0.1:2379 --bind-address 0.0.0.0 --advertise-address "$server" \
    --secure-port 6443 --tls-cert-file "$pki/server.crt" --tls-private-key-file "$pki/server.key" --client-ca-file "$pki/ca.crt" \
    --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction --service-cluster-ip-range "$service_range" \
    --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$pki/accounts.key" \
    --service-account-signing-key-file "$pki/accounts.key" --kubelet-client-certificate "$pki/kubelet-client.crt" \
    --kubelet-client-key "$pki/kubelet-client.key" --kubelet-preferred-address-types InternalIP --allow-privileged=true
  until_done 60 'the API server answers' kubectl get --raw /readyz
  start controllers "$binaries/kube-controller-manager" --kubeconfig "$pki/controllers.conf" --use-service-account-credentials \
    --authentication-kubeconfig "$pki/controllers.conf" --authorization-kubeconfig "$pki/controllers.conf" --root-ca-file "$pki/ca.crt" \
    --service-account-private-key-file "$pki/accounts.key" --allocate-node-cidrs --cluster-cidr "$pod_range" \
    --service-cluster-ip-range "$service_range" --cluster-signing-cert-file "$pki/ca.crt" --cluster-signing-key-file "$pki/ca.key" \
    --node-monitor-grace-period 20s
  start scheduler "$binaries/kube-scheduler" --kubeconfig "$pki/scheduler.conf" --authentication-kubeconfig "$pki/scheduler.conf" \
    --authorization-kubeconfig "$pki/scheduler.conf"
  kubectl apply -f "$here/podway.yaml" >"$work/apply.log"
  # The agents have the rights of the parts that run, and no others.
  for part in $(echo "$parts" | tr , ' '); do
    kubectl apply -f "$here/../../deploy/rbac/$part.yaml"
    kubectl create clusterrolebinding "podway-agents-$part" --clusterrole "podway-$part" --group podway:agents
  done >>"$work/apply.log"
}

mkdir -p "$work/pki" "$work/images"
network
sh "$here/pki.sh" "$work/pki" "$server" host1 host2
sh "$here/images.sh" "$binaries/agnhost" "$work/images"
say 'certificates and images are made'
control_plane
say 'the control plane is ready'
for host in $hosts; do sh "$here/host.sh" "${host%:*}" "${host#*:}" >"$work/${host%:*}.log" 2>&1 & done

. "$here/checks.sh"
code=0
if check 120 'both hosts are Ready' hosts_ready; then
  checks || code=1
  [ -z "$tests" ] || end_to_end || code=1
else
  code=1
fi
if [ "$code" != 0 ] && [ -z "$logs" ]; then say 'logs are kept with --logs DIR'; fi
if [ -n "$shell" ]; then
  KUBECONFIG=$work/pki/admin.conf PATH="$binaries:$PATH" sh $([ ! -t 0 ] || echo -i) || code=$?
fi
exit "$code"
