/** What there is, for clients to find: the old lists, and the aggregated form (apidiscovery.k8s.io). */
import { noSuchPath, notAcceptable } from '../../api/errors.ts'
import type { JsonObject } from '../../api/json.ts'
import { apiVersionOf, type ResourceDefinition } from '../resources/definition.ts'
import { subresourcesOf, verbsOf } from '../resources/verbs.ts'
import { type Answer, type Call, objectAnswer } from './call.ts'
import { negotiate, parseAccept } from './representation.ts'

/** A group version that another API server answers for. */
export interface RemoteVersion {
  readonly group: string
  readonly version: string
  /** As its APIResourceList tells them. */
  readonly resources: readonly JsonObject[]
  readonly isFresh: boolean
}

/** All that is served, here and elsewhere. */
interface Served {
  readonly definitions: readonly ResourceDefinition[]
  readonly remote: readonly RemoteVersion[]
}

const groupsOf = ({ definitions, remote }: Served): readonly string[] => [
  ...new Set([...definitions, ...remote].map(({ group }) => group)),
]

const versionsOf = ({ definitions, remote }: Served, group: string): readonly string[] => [
  ...new Set([...definitions, ...remote].filter((each) => each.group === group).map(({ version }) => version)),
]

const groupDocument = (served: Served, group: string) => {
  const versions = versionsOf(served, group).map((version) => ({ groupVersion: `${group}/${version}`, version }))
  return { name: group, versions, preferredVersion: versions[0] }
}

const resourceEntries = (definition: ResourceDefinition) => [
  {
    name: definition.plural,
    singularName: definition.singular,
    namespaced: definition.namespaced,
    kind: definition.kind,
    verbs: verbsOf(definition),
    ...(definition.shortNames ? { shortNames: definition.shortNames } : {}),
    ...(definition.categories ? { categories: definition.categories } : {}),
  },
  ...subresourcesOf(definition).map(({ name, ...rest }) => ({
    name: `${definition.plural}/${name}`,
    singularName: '',
    namespaced: definition.namespaced,
    ...rest,
  })),
]

const resourceList = (definitions: readonly ResourceDefinition[], groupVersion: string): Answer => {
  const served = definitions.filter((definition) => apiVersionOf(definition) === groupVersion)
  if (served.length === 0) throw noSuchPath()
  return objectAnswer({
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: served.flatMap(resourceEntries),
  })
}

const aggregatedResource = (definition: ResourceDefinition) => {
  const { group, version } = definition
  return {
    resource: definition.plural,
    responseKind: { group, version, kind: definition.kind },
    scope: definition.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: definition.singular,
    verbs: verbsOf(definition),
    ...(definition.shortNames ? { shortNames: definition.shortNames } : {}),
    ...(definition.categories ? { categories: definition.categories } : {}),
    subresources: subresourcesOf(definition).map((sub) => ({
      subresource: sub.name,
      responseKind: { group: sub.group ?? group, version: sub.version ?? version, kind: sub.kind },
      verbs: sub.verbs,
    })),
  }
}

const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []

/** What another server tells of a resource, in the aggregated form. */
const aggregatedRemote = ({ group, version, resources }: RemoteVersion) =>
  resources.flatMap((entry) => {
    const name = String(entry['name'])
    if (name.includes('/')) return []
    const kindOf = (each: JsonObject) => ({
      group: String(each['group'] ?? group),
      version: String(each['version'] ?? version),
      kind: String(each['kind']),
    })
    return [
      {
        resource: name,
        responseKind: kindOf(entry),
        scope: entry['namespaced'] === true ? 'Namespaced' : 'Cluster',
        singularResource: String(entry['singularName'] ?? ''),
        verbs: textsOf(entry['verbs']),
        shortNames: textsOf(entry['shortNames']),
        categories: textsOf(entry['categories']),
        subresources: resources
          .filter((each) => String(each['name']).startsWith(`${name}/`))
          .map((each) => ({
            subresource: String(each['name']).slice(name.length + 1),
            responseKind: kindOf(each),
            verbs: textsOf(each['verbs']),
          })),
      },
    ]
  })

const aggregatedVersionOf = ({ definitions, remote }: Served, group: string, version: string) => {
  const own = definitions.filter((definition) => definition.group === group && definition.version === version)
  const other = own.length > 0 ? undefined : remote.find((each) => each.group === group && each.version === version)
  return {
    version,
    freshness: other?.isFresh === false ? 'Stale' : 'Current',
    resources: other ? aggregatedRemote(other) : own.map(aggregatedResource),
  }
}

const aggregated = (served: Served, groups: readonly string[], version: string): Answer => ({
  kind: 'object',
  code: 200,
  contentType: `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
  object: {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map((group) => ({
      metadata: group === '' ? {} : { name: group },
      versions: versionsOf(served, group).map((each) => aggregatedVersionOf(served, group, each)),
    })),
  },
})

/** The version of aggregated discovery that the client wants most, if any before plain JSON. */
const aggregatedVersion = (accept: string): string | undefined => {
  for (const { type, parameters } of parseAccept(accept)) {
    if (type !== 'application/json' && type !== '*/*') continue
    if (parameters['g'] !== 'apidiscovery.k8s.io') return undefined
    if (parameters['v'] === 'v2' || parameters['v'] === 'v2beta1') return parameters['v']
  }
  return undefined
}

const coreDocument = { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }

/** Answers below `/api` and `/apis`. Throws NotFound for a group or version that is not served. */
export const discover = (
  definitions: readonly ResourceDefinition[],
  { path, query, header }: Call,
  remote: readonly RemoteVersion[] = [],
): Answer => {
  const served = { definitions, remote }
  const [root, ...rest] = path.split('/').filter(Boolean)
  const version = aggregatedVersion(header('accept'))
  // Nothing of it is a table.
  if (!version && negotiate(header('accept'), query).as !== 'object') throw notAcceptable(['application/json'])
  const named = groupsOf(served).filter((group) => group !== '')
  if (root === 'api') {
    if (rest.length > 0) return resourceList(definitions, rest.join('/'))
    return version ? aggregated(served, [''], version) : objectAnswer(coreDocument)
  }
  const [group, ...more] = rest
  if (group === undefined) {
    if (version) return aggregated(served, named, version)
    const groups = named.map((name) => groupDocument(served, name))
    return objectAnswer({ kind: 'APIGroupList', apiVersion: 'v1', groups })
  }
  if (more.length > 0) return resourceList(definitions, rest.join('/'))
  if (!named.includes(group)) throw noSuchPath()
  return objectAnswer({ kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(served, group) })
}
