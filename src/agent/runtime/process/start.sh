# The last step to a container's command, inside of the pod and without the rights of the node: what the environment sets
# (LD_PRELOAD, PATH) finds nothing worth having. Its text is run, not its file, which not every user could read.
#   $0: container, or exec, which says nothing on descriptor 3. $1: folder, then the command. Descriptor 4: the environment.
podway_role=$0 podway_env=$(command -v env)
podway_fail() {
  [ "$podway_role" = exec ] || echo "failed $1" >&3
  exit "$2"
}
[ "$podway_role" = exec ] && podway_missing=126 || podway_missing=128
cd "$1" 2>/dev/null || podway_fail "workingDir: no such folder: $1" "$podway_missing"
shift
unset PWD OLDPWD
# What the environment sets is read into this shell: only names with `podway_` are safe from it.
podway_text=$(cat <&4)
exec 4<&-
eval "$podway_text"
unset podway_text
# The command is the first word that is no NAME=value, as env(1) sees it.
for podway_word; do
  case $podway_word in *=*) ;; *) break ;; esac
done
if [ "$podway_role" = container ]; then
  command -v -- "$podway_word" >/dev/null || podway_fail "exec: \"$podway_word\": executable file not found in \$PATH" 128
  echo started >&3
  exec 3>&-
fi
# A shell starts background commands with INT and QUIT ignored.
exec "$podway_env" --default-signal=INT,QUIT,PIPE "$@"
