/** Regular expressions that come from users: what this proxy runs, and what it refuses to. */

const longest = 512

/** Groups that look around, and `\1` or `\k<name>`: what other proxies' engines do not know either. */
const isBeyond = (pattern: string, at: number, inClass: boolean): boolean => {
  if (pattern[at] === '\\') return /[1-9k]/.test(pattern[at + 1] ?? '')
  return !inClass && /^\(\?<?[=!]/.test(pattern.slice(at, at + 4))
}

/** Why the pattern cannot be used; undefined when it can. */
export const patternProblem = (pattern: string): string | undefined => {
  if (pattern.length > longest) return `the pattern is longer than ${longest} characters`
  try {
    new RegExp(pattern)
  } catch (error) {
    return `the pattern is not valid: ${(error as Error).message}`
  }
  let inClass = false
  for (let at = 0; at < pattern.length; at++) {
    if (isBeyond(pattern, at, inClass)) return 'patterns must not look around or refer back'
    if (pattern[at] === '\\') at++
    else if (pattern[at] === '[') inClass = true
    else if (pattern[at] === ']') inClass = false
  }
  return undefined
}
