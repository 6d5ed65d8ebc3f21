/** How a registry asks who somebody is: `WWW-Authenticate` (RFC 9110, 11.6.1). Pure. */

export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string
  readonly parameters: ReadonlyMap<string, string>
}

const token = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y
const quoted = /"((?:[^"\\]|\\.)*)"/y
const headerLimit = 8_192

/** What cannot be read ends the list. */
export const parseChallenges = (header: string): readonly Challenge[] => {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = []
  const input = header.slice(0, headerLimit)
  let at = 0
  const skip = (chars: string): void => {
    while (at < input.length && chars.includes(input[at] ?? '')) at++
  }
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(input)
    if (found) at = pattern.lastIndex
    return found
  }
  for (skip(' \t,'); at < input.length; skip(' \t,')) {
    const word = take(token)?.[0]
    if (word === undefined) break
    skip(' \t')
    if (input[at] !== '=') {
      challenges.push({ scheme: word.toLowerCase(), parameters: new Map() })
      continue
    }
    at++
    skip(' \t')
    const text = take(quoted)
    const value = text ? (text[1] ?? '').replace(/\\(.)/g, '$1') : (take(token)?.[0] ?? '')
    challenges.at(-1)?.parameters.set(word.toLowerCase(), value)
  }
  return challenges
}
