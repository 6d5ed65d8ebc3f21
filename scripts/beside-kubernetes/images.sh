#!/bin/sh
# images.sh AGNHOST FOLDER: makes FOLDER/images.tar, in the form of "docker save": the images that the end-to-end tests name,
# out of agnhost and of programs of this machine. All have the same files; they differ in what they start.
set -eu
agnhost=$1 folder=$2
root=$folder/root
mkdir -p "$root/bin" "$root/usr/bin" "$root/tmp" "$root/etc" "$root/uploads"
chmod 1777 "$root/tmp"
cp "$agnhost" "$root/agnhost"
ln -s agnhost "$root/agnhost-2"
cp "$(command -v busybox)" "$root/bin/busybox"
for name in $(busybox --list); do [ -e "$root/bin/$name" ] || ln -s busybox "$root/bin/$name"; done

# What the tests start in a pod and busybox has not, or has in another way, with the libraries that each wants. The shell,
# since that of busybox takes its own programs before all others; wget, since that of a static busybox dies of a name.
for program in dash:sh dig nslookup getent curl wget nc.openbsd:nc; do
  file=$(command -v "${program%:*}")
  rm -f "$root/bin/${program#*:}"
  cp "$file" "$root/bin/${program#*:}"
  ldd "$file" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
  done
done
printf 'tries = 1\n' >"$root/etc/wgetrc"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
# What agnhost shows its clients where it serves HTTPS.
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2 -keyout "$root/localhost.key" -out "$root/localhost.crt" 2>/dev/null
printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\n' >"$root/etc/group"

tar --create --file "$folder/layer.tar" --directory "$root" --owner 0 --group 0 .
layer=$(sha256sum "$folder/layer.tar" | cut -d' ' -f1)
manifests=''
files=layer.tar
# image NAME START TAGS: what it starts, and its names, as JSON.
image() {
  printf '{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],%s},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$2" "$layer" >"$folder/$1.json"
  manifests="$manifests${manifests:+,}{\"Config\":\"$1.json\",\"RepoTags\":[$3],\"Layers\":[\"layer.tar\"]}"
  files="$files $1.json"
}
image agnhost '"Entrypoint":["/agnhost"],"Cmd":["pause"]' \
  '"k8s.gcr.io/e2e-test-images/agnhost:2.20","k8s.gcr.io/e2e-test-images/agnhost:2.21"'
image pause '"Entrypoint":["/agnhost","pause"]' '"k8s.gcr.io/pause:3.2","k8s.gcr.io/pause:3.6"'
image tools '"Cmd":["/bin/sh"]' \
  '"gcr.io/kubernetes-e2e-test-images/jessie-dnsutils:1.0","docker.io/library/busybox:1.29"'
image httpd '"Entrypoint":["/bin/busybox","httpd","-f","-p","80"]' \
  '"docker.io/library/httpd:2.4.38-alpine","docker.io/library/httpd:2.4.39-alpine","docker.io/library/nginx:1.14-alpine"'
printf '[%s]' "$manifests" >"$folder/manifest.json"
# shellcheck disable=SC2086
tar --create --file "$folder/images.tar" --directory "$folder" manifest.json $files
rm -rf "$root" "$folder/layer.tar"
