/** What is written of which request: an audit policy (audit.k8s.io/v1), parsed and asked. Pure, but for reading its file. */

import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { checkFields, flagOf, listOf, textsOf } from '../../api/config-fields.ts'
import { errorText } from '../../api/errors.ts'
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import type { Access } from '../auth/authorizer.ts'
import type { User } from '../auth/user.ts'

export const levels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const
export type Level = (typeof levels)[number]

export const stages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const
export type Stage = (typeof stages)[number]

interface GroupResources {
  readonly group: string
  readonly resources: readonly string[]
  readonly resourceNames: readonly string[]
}

interface Rule {
  readonly level: Level
  readonly users: readonly string[]
  readonly userGroups: readonly string[]
  readonly verbs: readonly string[]
  readonly resources: readonly GroupResources[]
  readonly namespaces: readonly string[]
  readonly nonResourceURLs: readonly string[]
  readonly omitStages: readonly Stage[]
  readonly omitManagedFields: boolean
}

export interface AuditPolicy {
  readonly rules: readonly Rule[]
}

/** What a request is worth. */
export interface Decision {
  readonly level: Level
  readonly omitStages: readonly Stage[]
  readonly omitManagedFields: boolean
}

const isStage = (text: string): text is Stage => stages.some((stage) => stage === text)

const stagesOf = (object: JsonObject, where: string): readonly Stage[] =>
  textsOf(object, 'omitStages', where).map((text) => {
    if (!isStage(text))
      throw new Error(`${where}.omitStages: ${JSON.stringify(text)} is not one of ${stages.join(', ')}`)
    return text
  })

const resourcesOf = (object: JsonObject, where: string): GroupResources => {
  checkFields(object, ['group', 'resources', 'resourceNames'], where)
  const { group = '' } = object
  if (typeof group !== 'string') throw new Error(`${where}.group: is not a string`)
  const resources = textsOf(object, 'resources', where)
  const resourceNames = textsOf(object, 'resourceNames', where)
  if (resourceNames.length > 0 && resources.length === 0)
    throw new Error(`${where}.resourceNames: using resourceNames requires at least one resource`)
  return { group, resources, resourceNames }
}

const ruleFields = [
  ...['level', 'users', 'userGroups', 'verbs', 'resources', 'namespaces', 'nonResourceURLs'],
  ...['omitStages', 'omitManagedFields'],
]

const ruleOf = (object: JsonObject, policy: JsonObject, where: string): Rule => {
  checkFields(object, ruleFields, where)
  const level = levels.find((each) => each === object['level'])
  if (!level) throw new Error(`${where}.level: is not one of ${levels.join(', ')}`)
  const nonResourceURLs = textsOf(object, 'nonResourceURLs', where)
  for (const url of nonResourceURLs)
    if (url !== '*' && (!url.startsWith('/') || url.slice(0, -1).includes('*')))
      throw new Error(`${where}.nonResourceURLs: ${JSON.stringify(url)} is no path that may end with a star`)
  const resources = listOf(object, 'resources', where).map((each, at) => resourcesOf(each, `${where}.resources[${at}]`))
  const namespaces = textsOf(object, 'namespaces', where)
  if (nonResourceURLs.length > 0 && (resources.length > 0 || namespaces.length > 0))
    throw new Error(`${where}.nonResourceURLs: rules cannot apply to both regular resources and non-resource URLs`)
  return {
    ...{ level, resources, namespaces, nonResourceURLs },
    users: textsOf(object, 'users', where),
    userGroups: textsOf(object, 'userGroups', where),
    verbs: textsOf(object, 'verbs', where),
    omitStages: [...stagesOf(policy, 'the policy'), ...stagesOf(object, where)],
    omitManagedFields:
      flagOf(object, 'omitManagedFields', where) ?? flagOf(policy, 'omitManagedFields', 'the policy') ?? false,
  }
}

/** YAML or JSON. Throws with the field that is wrong. */
export const parsePolicy = (text: string): AuditPolicy => {
  const policy: unknown = parse(text)
  if (!isJsonObject(policy) || policy['kind'] !== 'Policy' || policy['apiVersion'] !== 'audit.k8s.io/v1')
    throw new Error('it is no Policy of audit.k8s.io/v1')
  checkFields(policy, ['apiVersion', 'kind', 'metadata', 'rules', 'omitStages', 'omitManagedFields'], 'the policy')
  const rules = listOf(policy, 'rules', 'the policy').map((each, at) => ruleOf(each, policy, `rules[${at}]`))
  if (rules.length === 0) throw new Error('it has no rules')
  return { rules }
}

export const readPolicy = async (file: string): Promise<AuditPolicy> => {
  try {
    return parsePolicy(await readFile(file, 'utf8'))
  } catch (error) {
    throw new Error(`audit policy file ${file}: ${errorText(error)}`)
  }
}

const pathMatches = (rule: string, path: string): boolean =>
  rule === path || (rule.endsWith('*') && path.startsWith(rule.slice(0, -1)))

const resourceMatches = (rule: GroupResources, access: Access & { kind: 'resource' }): boolean => {
  const { plural, subresource, group, name = '' } = access
  if (rule.group !== group) return false
  if (rule.resources.length === 0) return true
  if (rule.resourceNames.length > 0 && !rule.resourceNames.includes(name)) return false
  const whole = subresource === undefined ? plural : `${plural}/${subresource}`
  return rule.resources.some(
    (each) =>
      each === '*' ||
      each === whole ||
      each === `${plural}/*` ||
      (subresource !== undefined && each === `*/${subresource}`),
  )
}

const isOneOf = (list: readonly string[], value: string): boolean => list.length === 0 || list.includes(value)

const matches = (rule: Rule, user: User | undefined, access: Access): boolean => {
  if (rule.users.length > 0 && !rule.users.includes(user?.name ?? '')) return false
  if (rule.userGroups.length > 0 && !(user?.groups ?? []).some((group) => rule.userGroups.includes(group))) return false
  if (!isOneOf(rule.verbs, access.verb)) return false
  if (rule.namespaces.length > 0 || rule.resources.length > 0) {
    if (access.kind !== 'resource' || !isOneOf(rule.namespaces, access.namespace ?? '')) return false
    return rule.resources.length === 0 || rule.resources.some((each) => resourceMatches(each, access))
  }
  if (rule.nonResourceURLs.length === 0) return true
  return access.kind === 'path' && rule.nonResourceURLs.some((each) => pathMatches(each, access.path))
}

const nothing: Decision = { level: 'None', omitStages: [], omitManagedFields: false }

/** The first rule that matches counts; without one, nothing is written. `user`: undefined for whom nobody knows. */
export const decide = ({ rules }: AuditPolicy, user: User | undefined, access: Access): Decision =>
  rules.find((rule) => matches(rule, user, access)) ?? nothing
