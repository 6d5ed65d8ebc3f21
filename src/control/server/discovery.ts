/** What there is, for clients to find: the old lists, and the aggregated form (apidiscovery.k8s.io). */
import { noSuchPath, notAcceptable } from '../../api/errors.ts'
import { apiVersionOf, type ResourceDefinition } from '../resources/definition.ts'
import { subresourcesOf, verbsOf } from '../resources/verbs.ts'
import { type Answer, type Call, objectAnswer } from './call.ts'
import { negotiate, parseAccept } from './representation.ts'

const groupsOf = (definitions: readonly ResourceDefinition[]): readonly string[] => [
  ...new Set(definitions.map(({ group }) => group)),
]

const versionsOf = (definitions: readonly ResourceDefinition[], group: string): readonly string[] => [
  ...new Set(definitions.filter((definition) => definition.group === group).map(({ version }) => version)),
]

const groupDocument = (definitions: readonly ResourceDefinition[], group: string) => {
  const versions = versionsOf(definitions, group).map((version) => ({ groupVersion: `${group}/${version}`, version }))
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

const aggregated = (
  definitions: readonly ResourceDefinition[],
  groups: readonly string[],
  version: string,
): Answer => ({
  kind: 'object',
  code: 200,
  contentType: `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
  object: {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map((group) => ({
      metadata: group === '' ? {} : { name: group },
      versions: versionsOf(definitions, group).map((served) => ({
        version: served,
        freshness: 'Current',
        resources: definitions
          .filter((definition) => definition.group === group && definition.version === served)
          .map(aggregatedResource),
      })),
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
export const discover = (definitions: readonly ResourceDefinition[], { path, query, header }: Call): Answer => {
  const [root, ...rest] = path.split('/').filter(Boolean)
  const version = aggregatedVersion(header('accept'))
  // Nothing of it is a table.
  if (!version && negotiate(header('accept'), query).as !== 'object') throw notAcceptable(['application/json'])
  const named = groupsOf(definitions).filter((group) => group !== '')
  if (root === 'api') {
    if (rest.length > 0) return resourceList(definitions, rest.join('/'))
    return version ? aggregated(definitions, [''], version) : objectAnswer(coreDocument)
  }
  const [group, ...more] = rest
  if (group === undefined) {
    if (version) return aggregated(definitions, named, version)
    const groups = named.map((name) => groupDocument(definitions, name))
    return objectAnswer({ kind: 'APIGroupList', apiVersion: 'v1', groups })
  }
  if (more.length > 0) return resourceList(definitions, rest.join('/'))
  if (!named.includes(group)) throw noSuchPath()
  return objectAnswer({ kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(definitions, group) })
}

/** `v1`, `apps/v1`, …: every group version served. */
export const servedGroupVersions = (definitions: readonly ResourceDefinition[]): readonly string[] => [
  ...new Set(definitions.map(apiVersionOf)),
]
