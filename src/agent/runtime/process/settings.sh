#!/bin/sh
# Copies of /etc what every user of the node may read: pods are root, and would read the rest, too.
#   settings.sh TARGET
set -eu
umask 022
rm -rf "$1.part"
mkdir -p "$1.part"
# An ordinary user cannot read everything, and need not.
cp -dR --preserve=mode,timestamps,links /etc/. "$1.part" 2>/dev/null || [ -e "$1.part/passwd" ]
find "$1.part" -mindepth 1 ! -type l \( -type d ! -perm -005 -o ! -type d ! -perm -004 \) -prune -exec rm -rf {} +
# Pods see their own in place of these, which may be links to where nothing is in a pod.
for name in hosts hostname resolv.conf; do
  rm -f "$1.part/$name"
  cat "/etc/$name" >"$1.part/$name" 2>/dev/null || :
done
mv "$1.part" "$1"
