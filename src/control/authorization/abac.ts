/** Allows what a line of a policy file allows (`--authorization-mode ABAC`). */

import { readFile } from 'node:fs/promises'
import { errorText } from '../../api/errors.ts'
import { isJsonObject } from '../../api/json.ts'
import { type Access, type Authorizer, allowed } from '../auth/authorizer.ts'
import { authenticatedGroup, type User } from '../auth/user.ts'

/** A star stands for all; an empty text for none. */
export interface Policy {
  readonly user: string
  readonly group: string
  readonly readonly: boolean
  readonly namespace: string
  readonly apiGroup: string
  readonly resource: string
  readonly nonResourcePath: string
}

const apiVersion = 'abac.authorization.kubernetes.io/v1beta1'
const all = '*'

const texts = ['user', 'group', 'namespace', 'apiGroup', 'resource', 'nonResourcePath'] as const

const fieldsOf = (spec: Readonly<Record<string, unknown>>): Policy => {
  for (const name of Object.keys(spec))
    if (name !== 'readonly' && !texts.some((each) => each === name))
      throw new Error(`unknown field ${JSON.stringify(name)}`)
  const text = (name: (typeof texts)[number]): string => {
    const value = Object.hasOwn(spec, name) ? (spec[name] ?? '') : ''
    if (typeof value !== 'string') throw new Error(`${name} is not a string`)
    return value
  }
  const readonly = spec['readonly'] ?? false
  if (typeof readonly !== 'boolean') throw new Error('readonly is not true or false')
  return {
    ...{ user: text('user'), group: text('group'), readonly, namespace: text('namespace') },
    ...{ apiGroup: text('apiGroup'), resource: text('resource'), nonResourcePath: text('nonResourcePath') },
  }
}

/** A star means everybody who is known. */
const ofAuthenticated = (policy: Policy): Policy =>
  policy.user === all || policy.group === all ? { ...policy, user: '', group: authenticatedGroup } : policy

/** Lines of before there were versions leave out what they mean all of. */
const fromOldForm = (policy: Policy): Policy => ({
  ...policy,
  group: policy.user === '' && policy.group === '' ? authenticatedGroup : policy.group,
  namespace: policy.namespace || all,
  resource: policy.resource || all,
  apiGroup: all,
  nonResourcePath: policy.namespace === '' && policy.resource === '' ? all : '',
})

const parseLine = (line: string): Policy => {
  const value: unknown = JSON.parse(line)
  if (!isJsonObject(value)) throw new Error('it is no JSON object')
  const { apiVersion: version, kind, spec, ...rest } = value
  if (version === undefined && kind === undefined && spec === undefined)
    return ofAuthenticated(fromOldForm(fieldsOf(rest)))
  if (version !== apiVersion || kind !== 'Policy' || !isJsonObject(spec))
    throw new Error(`it is no Policy of ${apiVersion} with a spec`)
  return ofAuthenticated(fieldsOf(spec))
}

/** JSON lines; empty ones, and those that begin with `#`, are skipped. Throws with the number of a line that is wrong. */
export const parsePolicies = (text: string): readonly Policy[] =>
  text.split('\n').flatMap((line, at) => {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#')) return []
    try {
      return [parseLine(trimmed)]
    } catch (error) {
      throw new Error(`line ${at + 1}: ${errorText(error)}`)
    }
  })

export const readPolicies = async (file: string): Promise<readonly Policy[]> => {
  try {
    return parsePolicies(await readFile(file, 'utf8'))
  } catch (error) {
    throw new Error(`error reading policy file ${file}: ${errorText(error)}`)
  }
}

/** A policy for a user and a group wants both. */
const isFor = ({ user: name, group }: Policy, user: User): boolean =>
  (name !== '' || group !== '') && (name === '' || name === user.name) && (group === '' || user.groups.includes(group))

const readingVerbs: readonly string[] = ['get', 'list', 'watch']

const isOr = (rule: string, value: string): boolean => rule === all || rule === value

const covers = (policy: Policy, access: Access): boolean => {
  if (access.kind === 'path') {
    const { nonResourcePath: path } = policy
    return isOr(path, access.path) || (path.endsWith(all) && access.path.startsWith(path.replace(/\*+$/, '')))
  }
  return (
    isOr(policy.namespace, access.namespace ?? '') &&
    isOr(policy.resource, access.plural) &&
    isOr(policy.apiGroup, access.group)
  )
}

export const createAbacAuthorizer = (policies: readonly Policy[]): Authorizer => ({
  authorize: ({ user, request }) => {
    const isReading = readingVerbs.includes(request.verb)
    const matches = (policy: Policy): boolean =>
      isFor(policy, user) && (isReading || !policy.readonly) && covers(policy, request)
    return policies.some(matches) ? allowed : { decision: 'none', reason: 'No policy matched.' }
  },
  rules: (user, namespace) => {
    const own = policies.filter((policy) => isFor(policy, user) && isOr(policy.namespace, namespace))
    const verbs = ({ readonly }: Policy): readonly string[] => (readonly ? readingVerbs : [all])
    return {
      resourceRules: own
        .filter(({ resource }) => resource !== '')
        .map((each) => ({ verbs: verbs(each), apiGroups: [each.apiGroup], resources: [each.resource] })),
      nonResourceRules: own
        .filter(({ nonResourcePath }) => nonResourcePath !== '')
        .map((each) => ({ verbs: verbs(each), nonResourceURLs: [each.nonResourcePath] })),
      problems: [],
    }
  },
})
