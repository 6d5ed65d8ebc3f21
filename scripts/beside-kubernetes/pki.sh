#!/bin/sh
# pki.sh FOLDER SERVER HOST..: an authority, the server's certificate, and a kubeconfig for each who asks it.
set -eu
cd "$1"
server=$2
shift 2
quiet() { "$@" 2>openssl.log || { cat openssl.log >&2; exit 1; }; }
new_key() { quiet openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
new_key ca
quiet openssl req -x509 -new -key ca.key -subj /CN=kubernetes -days 2 -out ca.crt

# certificate FILE SUBJECT [NAMES]
certificate() {
  new_key "$1"
  quiet openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"
  printf 'extendedKeyUsage=serverAuth,clientAuth\n%s\n' "${3:+subjectAltName=$3}" >"$1.ext"
  quiet openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile "$1.ext" -out "$1.crt"
}
# kubeconfig NAME SUBJECT
kubeconfig() {
  certificate "$1" "$2"
  cat >"$1.conf" <<YAML
apiVersion: v1
kind: Config
current-context: here
clusters: [{ name: here, cluster: { server: "https://$server:6443", certificate-authority: $PWD/ca.crt } }]
users: [{ name: me, user: { client-certificate: $PWD/$1.crt, client-key: $PWD/$1.key } }]
contexts: [{ name: here, context: { cluster: here, user: me } }]
YAML
}
certificate server /CN=kube-apiserver \
  "IP:$server,IP:127.0.0.1,IP:$first_service,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
certificate kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client
new_key accounts
kubeconfig admin /O=system:masters/CN=admin
kubeconfig controllers /CN=system:kube-controller-manager
kubeconfig scheduler /CN=system:kube-scheduler
for host; do
  kubeconfig "kubelet-$host" "/O=system:nodes/CN=system:node:$host"
  kubeconfig "podway-$host" "/O=podway:agents/CN=podway:$host"
done
