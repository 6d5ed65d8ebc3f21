/** What an HTTPRoute matches by, as paths and conditions of rules. */
import type { HttpRouteMatch, HttpValueMatch } from '../../../api/types/index.ts'
import { patternProblem } from '../policy/pattern.ts'
import type { Conditions, PathMatch, ValueMatch } from '../routes/rule.ts'
import { asBytes } from '../routes/rule-path.ts'

export interface CompiledMatch {
  readonly path: PathMatch
  /** As its author wrote it. */
  readonly written: string
  readonly conditions: Conditions | undefined
}

const pathOf = ({ path }: HttpRouteMatch): PathMatch => {
  const value = path?.value ?? '/'
  switch (path?.type) {
    case 'Exact':
      return { kind: 'exact', path: value }
    case 'RegularExpression':
      return { kind: 'regex', path: value, caseless: false }
    default:
      return { kind: 'prefix', path: value }
  }
}

/** Of entries with equal names only the first counts. */
const valueMatches = (
  matches: readonly HttpValueMatch[] | undefined,
  nameOf: (name: string) => string,
): readonly ValueMatch[] => {
  const byName = new Map<string, ValueMatch>()
  for (const { type, name, value } of matches ?? []) {
    const known = nameOf(name)
    if (!byName.has(known)) byName.set(known, { name: known, value, regex: type === 'RegularExpression' })
  }
  return [...byName.values()]
}

const conditionsOf = ({ method, headers, queryParams }: HttpRouteMatch): Conditions | undefined => {
  const found: Conditions = {
    ...(method === undefined ? {} : { method }),
    headers: valueMatches(headers, (name) => name.toLowerCase()),
    query: valueMatches(queryParams, (name) => name),
  }
  return method === undefined && found.headers.length === 0 && found.query.length === 0 ? undefined : found
}

const patternsOf = ({ path, headers = [], queryParams = [] }: HttpRouteMatch): readonly string[] =>
  [...(path ? [{ type: path.type, value: asBytes(path.value ?? '') }] : []), ...headers, ...queryParams]
    .filter(({ type }) => type === 'RegularExpression')
    .map(({ value }) => value)

/** Servers of another make may let anything through. */
const isWhole = ({ name, value }: HttpValueMatch): boolean => typeof name === 'string' && typeof value === 'string'

/** The match, or why it cannot match anything. */
export const compileMatch = (match: HttpRouteMatch): CompiledMatch | { readonly problem: string } => {
  const { headers = [], queryParams = [] } = match
  if (![...headers, ...queryParams].every(isWhole)) return { problem: 'a match without a name or a value' }
  for (const pattern of patternsOf(match)) {
    const problem = patternProblem(pattern)
    if (problem !== undefined) return { problem: `${JSON.stringify(pattern)}: ${problem}` }
  }
  return { path: pathOf(match), written: match.path?.value ?? '/', conditions: conditionsOf(match) }
}
