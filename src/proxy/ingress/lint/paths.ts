/** Paths that match nothing, or something else than they seem to. */
import { groupsOf, patternProblem } from '../policy/pattern.ts'
import { asBytes, rulePath } from '../routes/rule-path.ts'
import { type Finding, finding, type Place, placesOf, type Subject } from './finding.ts'

/** Characters that somebody who thinks of text hardly writes. */
const looksLikePattern = /[\\^|[\]{}()*]|\$$/

const lastGroup = (target: string): number =>
  Math.max(0, ...[...target.matchAll(/\$(\d)/g)].map(([, digit]) => Number(digit)))

const lintRegex = ({ subject, path, at }: Place): readonly Finding[] => {
  const problem = path.startsWith('/')
    ? patternProblem(asBytes(path))
    : 'does not begin with a slash: it matches no request'
  if (problem !== undefined) return [finding(subject, 'error', `${at}.path`, problem, path)]
  const wanted = lastGroup(subject.settings.rewriteTarget ?? '')
  const groups = groupsOf(path)
  if (wanted <= groups) return []
  const message = `rewrite-target uses $${wanted}, and this path has ${groups === 0 ? 'no group' : `only ${groups}`}`
  return [finding(subject, 'warning', `${at}.path`, message, path)]
}

const lintText = ({ subject, path, pathType, at }: Place): readonly Finding[] => {
  const found: Finding[] = []
  const wanted = rulePath(path)
  const outside = /[?#]/.test(path)
    ? 'holds "?" or "#", which are not part of a path: it matches no request'
    : undefined
  const problem = 'problem' in wanted ? wanted.problem : outside
  if (problem !== undefined) found.push(finding(subject, 'error', `${at}.path`, problem, path))
  if (pathType !== 'Exact' && !subject.settings.canary && looksLikePattern.test(path)) {
    const message = 'looks like a pattern, and is matched as text: patterns need use-regex: "true"'
    found.push(finding(subject, 'warning', `${at}.path`, message, path))
  }
  return found
}

export const lintPaths = (subject: Subject): readonly Finding[] =>
  placesOf(subject).flatMap((place) => (place.kind === 'regex' ? lintRegex(place) : lintText(place)))
