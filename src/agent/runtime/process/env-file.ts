/** A container's environment as a file for a POSIX shell to read, so that no value ever stands on a command line. */
import type { StringMap } from '../../../api/types/index.ts'
import { shellWord } from '../../../host/shell-word.ts'

/** Variables a shell gives a meaning of its own. */
const special = /^(IFS|PPID|OPT(IND|ARG|ERR)|LINENO|PS\d|ENV|E?UID|BASH.*|SHELLOPTS)$/

const isPlain = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !special.test(name)

/**
 * Exports every variable. Those a shell cannot export (`my.name`) go in front of the command instead, as words for
 * env(1): the file is read with the command as the positional parameters.
 */
export const renderEnvFile = (env: StringMap): string => {
  const entries = Object.entries(env)
  const exports = entries.filter(([name]) => isPlain(name)).map(([name, value]) => `export ${name}=${shellWord(value)}`)
  const words = entries.filter(([name]) => !isPlain(name)).map(([name, value]) => shellWord(`${name}=${value}`))
  const front = words.length === 0 ? [] : [`set -- ${words.join(' ')} "$@"`]
  return `${[...exports, ...front].join('\n')}\n`
}
