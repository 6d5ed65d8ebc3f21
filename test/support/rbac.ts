/** RBAC as a real API server decides it, over the manifests that the project ships. Pure, but for reading them. */
import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import type { ApiRequest } from '../../src/api/transport.ts'

/** A request as RBAC sees it. */
export interface Asked {
  readonly verb: string
  readonly group: string
  /** `nodes`, or `nodes/status`. */
  readonly resource: string
  readonly name: string | undefined
}

export interface Rule {
  readonly apiGroups?: readonly string[]
  readonly resources?: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly rules?: readonly Rule[]
  readonly roleRef?: { readonly kind: string; readonly name: string }
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[]
}

const verbs = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const

/** Undefined for paths that are no resources: discovery, which everybody may read. */
export const askedBy = ({ method, path, query = {} }: ApiRequest): Asked | undefined => {
  const words = path.split('/').filter(Boolean)
  const isCore = words[0] === 'api'
  const rest = words.slice(isCore ? 2 : 3)
  const isScoped = rest[0] === 'namespaces' && rest.length > 2
  const [plural, inPath, subresource] = isScoped ? rest.slice(2) : rest
  if (plural === undefined) return undefined
  // A list of one object by its name is judged as that object.
  const [, selected] = /^metadata\.name=([^,]+)$/.exec(query['fieldSelector'] ?? '') ?? []
  const many = query['watch'] === 'true' ? 'watch' : 'list'
  return {
    verb: method === 'GET' ? (inPath === undefined ? many : 'get') : verbs[method],
    group: isCore ? '' : (words[1] ?? ''),
    resource: subresource === undefined ? plural : `${plural}/${subresource}`,
    name: inPath ?? selected,
  }
}

const covers = (list: readonly string[] | undefined, word: string): boolean =>
  (list ?? []).some((each) => each === word || each === '*')

export const allows = (rules: readonly Rule[], { verb, group, resource, name }: Asked): boolean =>
  rules.some(
    (rule) =>
      covers(rule.verbs, verb) &&
      covers(rule.apiGroups, group) &&
      covers(rule.resources, resource) &&
      ((rule.resourceNames ?? []).length === 0 || (name !== undefined && rule.resourceNames?.includes(name) === true)),
  )

/** What the service account of a manifest may do, over the bindings and cluster roles in it. */
export const rulesOfManifest = (file: string): readonly Rule[] => {
  const all = parseAllDocuments(readFileSync(file, 'utf8')).map((each) => each.toJS() as Manifest)
  const [account] = all.filter(({ kind }) => kind === 'ServiceAccount')
  if (!account) throw new Error(`${file} has no ServiceAccount`)
  const { name, namespace } = account.metadata
  const isOurs = ({ subjects = [] }: Manifest): boolean =>
    subjects.some((each) => each.kind === 'ServiceAccount' && each.name === name && each.namespace === namespace)
  const bound = all.filter((each) => each.kind === 'ClusterRoleBinding' && isOurs(each)).map(({ roleRef }) => roleRef)
  return all
    .filter(
      ({ kind, metadata }) =>
        kind === 'ClusterRole' && bound.some((ref) => ref?.kind === kind && ref.name === metadata.name),
    )
    .flatMap(({ rules = [] }) => rules)
}
