/** Running a command that may not be there. */

/**
 * Says what a shell would say, in Podway's name, and ends as one: 127 where there is no such program, 126 where there is one
 * that cannot be run. Between us and the command stand nsenter and setpriv, whose own words would be of no use to anybody.
 */
const script = `
name=$1
fail() { echo "podway: $name: $1" >&2; exit "$2"; }
runnable() { [ -f "$1" ] && [ -x "$1" ]; }
case $name in
  */*)
    [ -e "$name" ] || fail 'No such file or directory' 127
    [ ! -d "$name" ] || fail 'Is a directory' 126
    runnable "$name" || fail 'Permission denied' 126 ;;
  *)
    set -f
    why='command not found' code=127
    IFS=:
    for dir in $PATH; do
      runnable "\${dir:-.}/$name" && [ -n "$name" ] && code=0 && break
      [ -f "\${dir:-.}/$name" ] && why='Permission denied' code=126
    done
    unset IFS
    set +f
    [ "$code" = 0 ] || fail "$why" "$code" ;;
esac
unset PWD OLDPWD
exec "$@"
`

/** The words that run the command, or tell on the standard error output why it cannot be run. */
export const toldWords = (command: readonly string[]): readonly string[] => ['sh', '-c', script, 'podway', ...command]
