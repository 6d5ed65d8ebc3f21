/** Label and field selectors: text and objects in, predicates out. */
import { badRequest } from './errors.ts'
import type { LabelSelector, StringMap } from './types/index.ts'

export type LabelMatcher = (labels: StringMap | undefined) => boolean

/** One clause of a label selector. `gt` and `lt` compare integers. */
interface Requirement {
  readonly key: string
  readonly operator: 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt'
  readonly values: readonly string[]
}

const requirementHolds = ({ key, operator, values }: Requirement, labels: StringMap): boolean => {
  const has = Object.hasOwn(labels, key)
  const value = has ? (labels[key] ?? '') : ''
  switch (operator) {
    case 'in':
      return has && values.includes(value)
    case 'notin':
      return !has || !values.includes(value)
    case 'exists':
      return has
    case '!':
      return !has
    case 'gt':
      return has && Number(value) > Number(values[0])
    case 'lt':
      return has && Number(value) < Number(values[0])
  }
}

const matcherOf =
  (requirements: readonly Requirement[]): LabelMatcher =>
  (labels) =>
    requirements.every((requirement) => requirementHolds(requirement, labels ?? {}))

const qualifiedName = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/

/** True for `app`, `example.com/app`: what may stand left of the `=` in a label or annotation. */
export const isQualifiedName = (text: string): boolean => {
  const slash = text.indexOf('/')
  return qualifiedName.test(text) && slash <= 253 && text.length - slash - 1 <= 63
}

export const isLabelValue = (text: string): boolean => text.length <= 63 && labelValue.test(text)

/** Splits at commas that are outside parentheses. */
const clauses = (text: string): string[] => {
  const found: string[] = []
  let depth = 0
  let start = 0
  for (let at = 0; at <= text.length; at++) {
    const char = text[at]
    if (char === '(') depth++
    else if (char === ')') depth--
    else if (char === undefined || (char === ',' && depth === 0)) {
      found.push(text.slice(start, at).trim())
      start = at + 1
    }
  }
  return found
}

const parseClause = (clause: string): Requirement => {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(clause)
  if (set) {
    const [, key = '', operator, list = ''] = set
    return { key, operator: operator as 'in' | 'notin', values: list.split(',').map((value) => value.trim()) }
  }
  const absent = /^!\s*(\S+)$/.exec(clause)
  if (absent) return { key: absent[1] ?? '', operator: '!', values: [] }
  const compare = /^([^\s=!<>()]+)\s*(==|=|!=|>|<)\s*([^\s=!<>()]*)$/.exec(clause)
  if (compare) {
    const [, key = '', sign, value = ''] = compare
    const operators = { '=': 'in', '==': 'in', '!=': 'notin', '>': 'gt', '<': 'lt' } as const
    return { key, operator: operators[sign as keyof typeof operators], values: [value] }
  }
  if (/^[^\s=!<>()]+$/.test(clause)) return { key: clause, operator: 'exists', values: [] }
  throw badRequest(
    `unable to parse requirement: found '${clause}', expected: a key, '!key', 'key=value' or 'key in (a,b)'`,
  )
}

/**
 * Reads the text form (`app=web,tier in (a,b),!canary`). The empty text matches everything.
 * Throws BadRequest in the API server's words.
 */
export const parseLabelSelector = (text: string): LabelMatcher => {
  if (text.trim() === '') return () => true
  const requirements = clauses(text).map(parseClause)
  for (const { key, operator, values } of requirements) {
    if (!isQualifiedName(key)) throw badRequest(`unable to parse requirement: invalid label key "${key}"`)
    const wrong = values.find((value) => !isLabelValue(value))
    if (wrong !== undefined) throw badRequest(`unable to parse requirement: invalid label value: "${wrong}"`)
    if ((operator === 'gt' || operator === 'lt') && !/^-?\d+$/.test(values[0] ?? ''))
      throw badRequest(`unable to parse requirement: for '>' and '<' the value must be an integer`)
  }
  return matcherOf(requirements)
}

/** The object form. A missing selector matches nothing, an empty one everything. */
export const matchLabelSelector = (selector: LabelSelector | undefined): LabelMatcher => {
  if (!selector) return () => false
  const operators = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' } as const
  return matcherOf([
    ...Object.entries(selector.matchLabels ?? {}).map(
      ([key, value]) => ({ key, operator: 'in', values: [value] }) as const,
    ),
    ...(selector.matchExpressions ?? []).map(({ key, operator, values }) => ({
      key,
      operator: operators[operator],
      values: values ?? [],
    })),
  ])
}

/** A Service's or ReplicationController's plain map: all of them must be there, and an empty map selects nothing. */
export const matchMap = (selector: StringMap | undefined): LabelMatcher => {
  const wanted = Object.entries(selector ?? {})
  return (labels) => wanted.length > 0 && wanted.every(([key, value]) => labels?.[key] === value)
}

/** The text of a selector that means the same as the object form. */
export const formatLabelSelector = (selector: LabelSelector): string =>
  [
    ...Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`),
    ...(selector.matchExpressions ?? []).map(({ key, operator, values }) => {
      const list = `(${(values ?? []).join(',')})`
      const texts = { In: `${key} in ${list}`, NotIn: `${key} notin ${list}`, Exists: key, DoesNotExist: `!${key}` }
      return texts[operator]
    }),
  ].join(',')

export interface FieldRequirement {
  readonly field: string
  readonly negated: boolean
  readonly value: string
}

/** Reads `a=b,c!=d` (also `==`); `\,`, `\=` and `\\` stand for themselves in values. Throws BadRequest. */
export const parseFieldSelector = (text: string): readonly FieldRequirement[] =>
  (text.match(/(?:\\.|[^,\\])+/gs) ?? []).map((clause) => {
    const found = /^\s*([^=!\s]+)\s*(!=|==|=)((?:\\.|[^\\=])*)$/s.exec(clause)
    if (!found) throw badRequest(`invalid selector: '${text}'; can't understand '${clause}'`)
    const [, field = '', sign, value = ''] = found
    return { field, negated: sign === '!=', value: value.replace(/\\(.)/gs, '$1').trim() }
  })
