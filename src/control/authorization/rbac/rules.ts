/** What rules of roles allow, and whether some rules hold others. Pure. */
import type { PolicyRule } from '../../../api/types/kubernetes/rbac-v1.ts'
import type { Access, ResourceAccess } from '../../auth/authorizer.ts'

const all = '*'

const names = (list: readonly string[] | undefined, wanted: string): boolean =>
  list?.some((each) => each === all || each === wanted) === true

const isEmpty = (list: readonly string[] | undefined): boolean => list === undefined || list.length === 0

const coversResource = ({ resources = [] }: PolicyRule, { plural, subresource }: ResourceAccess): boolean => {
  const wanted = subresource === undefined ? plural : `${plural}/${subresource}`
  return resources.some(
    (each) => each === all || each === wanted || (subresource !== undefined && each === `*/${subresource}`),
  )
}

/** A path of a rule may end with a star: everything that begins so. */
const coversPath = (rule: string, path: string): boolean =>
  rule === path || (rule.endsWith(all) && path.startsWith(rule.replace(/\*+$/, '')))

const coversName = ({ resourceNames }: PolicyRule, name: string | undefined): boolean =>
  isEmpty(resourceNames) || resourceNames?.includes(name ?? '') === true

export const ruleAllows = (rule: PolicyRule, access: Access): boolean => {
  if (!names(rule.verbs, access.verb)) return false
  if (access.kind === 'path') return (rule.nonResourceURLs ?? []).some((each) => coversPath(each, access.path))
  return names(rule.apiGroups, access.group) && coversResource(rule, access) && coversName(rule, access.name)
}

/** The smallest parts of a rule: one verb on one resource of one group, perhaps of one name; or on one path. */
const partsOf = ({ verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: PolicyRule) => {
  const ofResources = apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      verbs.flatMap((verb): PolicyRule[] => {
        const part = { apiGroups: [group], resources: [resource], verbs: [verb] }
        return resourceNames.length === 0 ? [part] : resourceNames.map((name) => ({ ...part, resourceNames: [name] }))
      }),
    ),
  )
  const ofPaths = nonResourceURLs.flatMap((path) =>
    verbs.map((verb): PolicyRule => ({ nonResourceURLs: [path], verbs: [verb] })),
  )
  return [...ofResources, ...ofPaths]
}

const holdsResource = (owned: readonly string[], resource: string): boolean => {
  if (owned.includes(all) || owned.includes(resource)) return true
  const slash = resource.indexOf('/')
  return slash >= 0 && owned.includes(`*/${resource.slice(slash + 1)}`)
}

/** Whether all that a part allows is allowed by a rule, too. */
const holdsPart = (owned: PolicyRule, part: PolicyRule): boolean =>
  part.verbs.every((verb) => names(owned.verbs, verb)) &&
  (part.apiGroups ?? []).every((group) => names(owned.apiGroups, group)) &&
  (part.resources ?? []).every((resource) => holdsResource(owned.resources ?? [], resource)) &&
  (part.nonResourceURLs ?? []).every((path) => (owned.nonResourceURLs ?? []).some((each) => coversPath(each, path))) &&
  (isEmpty(owned.resourceNames) ||
    (!isEmpty(part.resourceNames) && (part.resourceNames ?? []).every((name) => owned.resourceNames?.includes(name))))

/** What `wanted` allows and `owned` does not, in the smallest parts. */
export const missingRules = (owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly PolicyRule[] =>
  wanted.flatMap(partsOf).filter((part) => !owned.some((rule) => holdsPart(rule, part)))

/** Parts that differ in their verbs only, as one. */
export const compactRules = (parts: readonly PolicyRule[]): readonly PolicyRule[] => {
  const groups = Map.groupBy(parts, ({ verbs: _, ...rest }) => JSON.stringify(rest))
  return [...groups.values()].flatMap(([first, ...more]) =>
    first ? [{ ...first, verbs: [first, ...more].flatMap(({ verbs }) => verbs) }] : [],
  )
}

const quoted = (list: readonly string[]): string => `[${list.map((each) => JSON.stringify(each)).join(' ')}]`

/** As Kubernetes writes a rule in errors. */
export const ruleText = (rule: PolicyRule): string => {
  const fields: [name: string, list: readonly string[] | undefined][] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ]
  const shown = fields.flatMap(([name, list = []]) => (list.length === 0 ? [] : [`${name}:${quoted(list)}`]))
  return `{${shown.join(', ')}}`
}
