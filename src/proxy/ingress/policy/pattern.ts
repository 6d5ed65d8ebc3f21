/**
 * Regular expressions that users write, and the only place where any of them is made. They run in RE2's automata, in time
 * that grows only with the text: with V8's own engine one request could hold a thread for ever. Pure.
 */
import { RE2JS, RE2Set } from 're2js'

const longest = 512
/** Of a program: a character costs at most so many steps. Only patterns with large counts come near it. */
const mostInstructions = 1_000
/** For the states that one pattern remembers; without room for more it goes on step by step. */
const stateBytes = 128 * 1024
/** Patterns and verdicts that are kept. When there are more, the oldest is made anew when it is needed. */
const mostKept = 2_000

export type PatternKind =
  /** From the start, as nginx's `~*` and `~` with a `^` in front. */
  | 'start-caseless'
  | 'start'
  /** All of a value, as the Gateway API means it. */
  | 'whole'
  /** Anywhere in a value, as nginx's `~`. */
  | 'part'

export interface Span {
  readonly start: number
  readonly end: number
}

export interface Pattern {
  /** `spend` is told beforehand how many steps this may take, and may throw. */
  test(text: string, spend?: (steps: number) => void): boolean
  /** Where the match and its groups are; both 0 of a group that took no part. */
  exec(text: string): readonly Span[] | undefined
}

const anchors = {
  'start-caseless': RE2Set.ANCHOR_START,
  start: RE2Set.ANCHOR_START,
  whole: RE2Set.ANCHOR_BOTH,
  part: RE2Set.UNANCHORED,
} as const satisfies Record<PatternKind, number>

/** DOTALL: an escaped line break must be no way around a rule. Paths are bytes, and have no Unicode classes. */
const flagsOf = (kind: PatternKind): number =>
  RE2JS.DOTALL | RE2JS.DISABLE_UNICODE_GROUPS | (kind === 'start-caseless' ? RE2JS.CASE_INSENSITIVE : 0)

/** An escape, a class, a count or one character, as RE2 reads them. */
const tokens =
  /\\x\{[^}]*\}|\\x[0-9A-Fa-f]{2}|\\[\s\S]|\[\^?\]?(?:\[:\^?[a-z]+:\]|\\[\s\S]|[^\]\\])*\]|\{\d+(?:,\d*)?\}|[\s\S]/g

const partsOf = (pattern: string): readonly string[] => pattern.match(tokens) ?? []

const countOf = (part: string): number | undefined => {
  const [, least, comma = '', most = ''] = /^\{(\d+)(,?)(\d*)\}$/.exec(part) ?? []
  if (least === undefined) return undefined
  return Math.max(1, Number(most === '' ? least : most) + (comma !== '' && most === '' ? 1 : 0))
}

/** About how many instructions a pattern comes to, before any memory is spent on them: counts within counts multiply. */
const estimate = (parts: readonly string[]): number => {
  const outer: { total: number; last: number }[] = []
  let group = { total: 0, last: 0 }
  const add = (last: number): void => {
    group = { total: group.total + last, last }
  }
  for (const part of parts) {
    const count = countOf(part)
    if (count !== undefined) group.total += group.last * (count - 1)
    else if (part === '(') {
      outer.push(group)
      group = { total: 0, last: 0 }
    } else if (part === ')') {
      const inner = group.total + 2
      group = outer.pop() ?? { total: 0, last: 0 }
      add(inner)
    } else add(1)
  }
  return [...outer, group].reduce((sum, { total }) => sum + total, 0)
}

/** Bytes beyond ASCII have no case. */
const sourceOf = (pattern: string, kind: PatternKind): string =>
  kind === 'start-caseless'
    ? partsOf(pattern)
        .map((part) => (part.length === 1 && part > '\x7f' ? `(?-i:${part})` : part))
        .join('')
    : pattern

const tooLarge = 'the pattern is too large: it needs smaller counts'

/** What no automaton can do, in the words of people; RE2 says where it stopped reading. */
const beyond = [
  { stopped: /`\\[1-9k]`/, what: 'refers back to a group' },
  { stopped: /`\(\?<?[=!]/, what: 'looks ahead or behind' },
]

const reasonOf = (error: unknown): string => {
  const why = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error)
  const found = beyond.find(({ stopped }) => stopped.test(why))
  return found
    ? `the pattern ${found.what}, which cannot be matched in linear time`
    : `not a regular expression in RE2's syntax: ${why}`
}

const judge = (pattern: string): string | undefined => {
  if (pattern.length > longest) return `the pattern is longer than ${longest} characters`
  if (pattern.includes('\\Q')) return 'the pattern holds \\Q: escape single characters'
  if (estimate(partsOf(pattern)) > mostInstructions) return tooLarge
  try {
    const kind = 'start-caseless'
    const size = RE2JS.compile(sourceOf(pattern, kind), flagsOf(kind)).programSize()
    return size > mostInstructions ? tooLarge : undefined
  } catch (error) {
    return reasonOf(error)
  }
}

/** What one pattern may cost that is no route of anybody. */
export interface SearchLimits {
  /** Of the pattern, in characters. */
  readonly longest: number
  readonly mostInstructions: number
  /** For one text; a text that would take more does not match. */
  readonly mostSteps: number
}

export interface Search {
  test(text: string): boolean
  /** Where it is found, one after the other; `most`: no more of them. */
  all(text: string, most?: number): readonly Span[]
}

/** A pattern as RE2 reads it by itself, to be found anywhere in a text. Throws with the reason why it cannot be used. */
export const searchOf = (pattern: string, limits: SearchLimits): Search => {
  if (pattern.length > limits.longest) throw new Error(`the pattern is longer than ${limits.longest} characters`)
  if (estimate(partsOf(pattern)) > limits.mostInstructions) throw new Error(tooLarge)
  const compiled = RE2JS.compile(pattern)
  const size = compiled.programSize()
  if (size > limits.mostInstructions) throw new Error(tooLarge)
  const isAffordable = (text: string): boolean => size * text.length <= limits.mostSteps
  return {
    test: (text) => isAffordable(text) && compiled.matcher(text).find(),
    all: (text, most = Number.POSITIVE_INFINITY) => {
      const found: Span[] = []
      const matcher = compiled.matcher(text)
      while (isAffordable(text) && found.length < most && matcher.find())
        found.push({ start: matcher.start(), end: matcher.end() })
      return found
    },
  }
}

/** Remembers what was made of the latest texts. */
const remembering = <T>(make: (text: string) => T): ((text: string) => T) => {
  const known = new Map<string, { readonly made: T }>()
  return (text) => {
    const found = known.get(text)
    if (found) return found.made
    const made = make(text)
    const [oldest] = known.size < mostKept ? [] : known.keys()
    if (oldest !== undefined) known.delete(oldest)
    known.set(text, { made })
    return made
  }
}

/** Why a pattern cannot be served; undefined when it can. */
export const patternProblem: (pattern: string) => string | undefined = remembering(judge)

/** How many groups a pattern has that can be served. */
export const groupsOf = (pattern: string): number => RE2JS.compile(pattern, flagsOf('start')).groupCount()

/** A pattern for this text and nothing else. */
export const literally = (text: string): string => RE2JS.quote(text)

/** What every match of a pattern begins with. Of one that cannot be served: as far as it is plain. */
export const literalStart = (pattern: string): string => {
  let depth = 0
  for (const part of partsOf(pattern)) {
    if (part === '(') depth++
    else if (part === ')') depth--
    else if (part === '|' && depth <= 0) return ''
  }
  const [, start = '', next = ''] = /^\^?([^\\^$.*+?()[\]{}|]*)([\s\S]?)/.exec(pattern) ?? []
  // What is counted may be missing.
  return ['*', '?', '{'].includes(next) ? start.slice(0, -1) : start
}

const make = (pattern: string, kind: PatternKind): Pattern => {
  const problem = patternProblem(pattern)
  if (problem !== undefined) throw new Error(`${JSON.stringify(pattern)}: ${problem}`)
  const source = sourceOf(pattern, kind)
  const flags = flagsOf(kind)
  const caseless = kind === 'start-caseless'
  const anchored = kind !== 'part'
  const start = anchored ? (caseless ? literalStart(pattern).toLowerCase() : literalStart(pattern)) : ''
  const set = new RE2Set(anchors[kind], flags, stateBytes)
  set.add(source)
  set.compile()
  let whole: RE2JS | undefined
  /** Most patterns begin with plain text, which most paths do not. */
  const startsSo = (text: string): boolean =>
    caseless ? text.slice(0, start.length).toLowerCase() === start : text.startsWith(start)
  const size = RE2JS.compile(source, flags).programSize()
  return {
    test: (text, spend) => {
      if (!startsSo(text)) return false
      spend?.(size * text.length)
      return set.match(text).length > 0
    },
    exec: (text) => {
      whole ??= RE2JS.compile(anchored ? `^(?:${source})` : source, flags)
      const found = whole.matcher(text)
      if (!found.find()) return undefined
      return Array.from({ length: found.groupCount() + 1 }, (_, group) => ({
        start: Math.max(0, found.start(group)),
        end: Math.max(0, found.end(group)),
      }))
    },
  }
}

const kept: Readonly<Record<PatternKind, (pattern: string) => Pattern>> = {
  'start-caseless': remembering((pattern) => make(pattern, 'start-caseless')),
  start: remembering((pattern) => make(pattern, 'start')),
  whole: remembering((pattern) => make(pattern, 'whole')),
  part: remembering((pattern) => make(pattern, 'part')),
}

/** Throws for a pattern that has a problem: those were to be refused where they were read. */
export const patternOf = (pattern: string, kind: PatternKind): Pattern => kept[kind](pattern)
