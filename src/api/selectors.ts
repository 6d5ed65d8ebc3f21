/** Label and field selectors: text and objects in, predicates out. */
import { badRequest } from './errors.ts'
import { parseRequirements, type Requirement } from './label-selector.ts'
import type { LabelSelector, StringMap } from './types/index.ts'

export type LabelMatcher = (labels: StringMap | undefined) => boolean

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

/** Reads the text form. The empty text matches everything. Throws BadRequest in the API server's words. */
export const parseLabelSelector = (text: string): LabelMatcher => matcherOf(parseRequirements(text))

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

interface FieldRequirement {
  readonly field: string
  readonly negated: boolean
  readonly value: string
}

/** Up to the first operator that no backslash hides. */
const term = /^((?:\\.|(?!!=|=)[^\\])*)(!=|==|=)(.*)$/s

/** `\\,`, `\\=` and `\\\\` stand for themselves. Throws BadRequest. */
const unescaped = (value: string): string => {
  const odd = /\\(?![\\,=])(.?)/s.exec(value.replaceAll(/\\[\\,=]/g, (pair) => '_'.repeat(pair.length)))
  if (odd) throw badRequest(`invalid field selector: invalid escape sequence: \\${odd[1]}`)
  const bare = /(?:^|[^\\])(?:\\\\)*([,=])/.exec(value)?.[1]
  if (bare !== undefined)
    throw badRequest(`invalid field selector: unescaped character in value: ${bare.charCodeAt(0)}`)
  return value.replaceAll(/\\(.)/gs, '$1')
}

/** Reads `a=b,c!=d` (also `==`). Throws BadRequest in the API server's words. */
export const parseFieldSelector = (text: string): readonly FieldRequirement[] =>
  (text.match(/(?:\\.|[^,\\]|\\$)+/gs) ?? []).map((clause) => {
    const found = term.exec(clause)
    if (!found) throw badRequest(`invalid selector: '${text}'; can't understand '${clause}'`)
    const [, field = '', sign, value = ''] = found
    return { field, negated: sign === '!=', value: unescaped(value) }
  })
