/** Regular expressions that users write. */
import { wrong } from './value.ts'

const longest = 512

/** What no automaton can do: it would have to remember, or to look elsewhere. Classes are skipped. */
const parts = /\\([\s\S])|\[(?:\\[\s\S]|[^\]\\])*\]|\(\?(=|!|<=|<!)|[\s\S]/g

const unwanted = (pattern: string): string | undefined => {
  for (const [, escaped, look] of pattern.matchAll(parts)) {
    if (escaped !== undefined && /[k1-9]/.test(escaped)) return 'refers back to a group'
    if (look !== undefined) return 'looks ahead or behind'
  }
  return undefined
}

const compiles = (pattern: string): string | undefined => {
  try {
    new RegExp(pattern, 'i')
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/**
 * Why a pattern cannot be served; undefined when it can. What is let through can be matched in time that grows only with
 * the text.
 */
export const patternProblem = (pattern: string): string | undefined => {
  if (pattern.length > longest) return `a pattern has at most ${longest} characters`
  const syntax = compiles(pattern)
  if (syntax !== undefined) return `not a regular expression: ${syntax}`
  const found = unwanted(pattern)
  return found && `the pattern ${found}, which cannot be matched in linear time`
}

export const pattern = (text: string): string => {
  const problem = patternProblem(text)
  return problem === undefined ? text : wrong(problem)
}
