/** Patterns of schemas and rules, in time that grows with the text and no faster. */
import { errorText } from '../../../api/errors.ts'
import { type Search, type Span, searchOf } from '../../../proxy/ingress/policy/pattern.ts'

const limits = { longest: 8_192, mostInstructions: 20_000, mostSteps: 100_000_000 }
const mostKept = 2_000
const kept = new Map<string, Search>()

const searchFor = (pattern: string): Search => {
  const known = kept.get(pattern)
  if (known) return known
  const search = searchOf(pattern, limits)
  if (kept.size >= mostKept) kept.clear()
  kept.set(pattern, search)
  return search
}

/** Whether the pattern is found anywhere in the text. Throws for a pattern that is none. */
export const matchesPattern = (text: string, pattern: string): boolean => searchFor(pattern).test(text)

/** Where it is found, one after the other; `most`: no more of them. */
export const spansOfPattern = (text: string, pattern: string, most?: number): readonly Span[] =>
  searchFor(pattern).all(text, most)

/** What is wrong with a pattern; undefined when nothing is. */
export const patternError = (pattern: string): string | undefined => {
  try {
    searchFor(pattern)
    return undefined
  } catch (error) {
    return errorText(error)
  }
}
