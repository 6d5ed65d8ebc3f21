/** How objects are shown: as they are, as rows of a table, or only their metadata. Chosen by the Accept header. */
import { ApiError, notAcceptable } from '../../api/errors.ts'
import type { KubeObject } from '../../api/types/index.ts'
import { apiVersionOf, type Cell, inVersion, listKindOf, type ResourceDefinition } from '../resources/definition.ts'
import { type Answer, objectAnswer } from './call.ts'

export type IncludeObject = 'Metadata' | 'Object' | 'None'

export type Representation =
  | { readonly as: 'object' }
  | { readonly as: 'table'; readonly version: string; readonly include: IncludeObject }
  | { readonly as: 'metadata'; readonly version: string; readonly list: boolean }

interface MediaType {
  readonly type: string
  readonly parameters: Readonly<Record<string, string>>
}

/** `a/b;x=1, c/d` in the client's order of preference. */
export const parseAccept = (accept: string): readonly MediaType[] =>
  accept
    .split(',')
    .map((part) => {
      const [type = '', ...parameters] = part.split(';').map((text) => text.trim())
      const pairs = parameters.map((text) => {
        const [name = '', value = ''] = text.split('=', 2)
        return [name, value] as const
      })
      return { type: type.toLowerCase(), parameters: Object.fromEntries(pairs) }
    })
    .filter(({ type }) => type !== '')

const isJson = (type: string): boolean => ['application/json', '*/*'].includes(type)

const metaVersions = ['v1', 'v1beta1']

/** Throws NotAcceptable for a client that takes nothing but tables or metadata, which an answer that is kept nowhere has not. */
export const checkTakesObject = (accept: string): void => {
  const accepted = parseAccept(accept)
  const isOpen = accept.trim() === ''
  const takes = accepted.some(({ type, parameters: { as } }) => isJson(type) && as === undefined)
  if (!isOpen && !takes) throw notAcceptable(['application/json'])
}

/**
 * The first form that the client accepts and this server has. Protobuf is skipped: whoever asks for it offers JSON too.
 * Throws NotAcceptable when nothing fits.
 */
export const negotiate = (accept: string, query: URLSearchParams): Representation => {
  if (accept.trim() === '') return { as: 'object' }
  const accepted = parseAccept(accept)
  for (const { type, parameters } of accepted) {
    if (!isJson(type)) continue
    const { as, g: group, v: version = '' } = parameters
    if (!as) return { as: 'object' }
    if (group !== 'meta.k8s.io' || !metaVersions.includes(version)) continue
    if (as === 'Table') return { as: 'table', version, include: includeOf(query) }
    if (as === 'PartialObjectMetadata') return { as: 'metadata', version, list: false }
    if (as === 'PartialObjectMetadataList') return { as: 'metadata', version, list: true }
  }
  throw notAcceptable(['application/json'])
}

const includeOf = (query: URLSearchParams): IncludeObject => {
  const asked = query.get('includeObject')
  return asked === 'Object' || asked === 'None' ? asked : 'Metadata'
}

const partial = (object: { readonly metadata: unknown }, version: string): unknown => ({
  kind: 'PartialObjectMetadata',
  apiVersion: `meta.k8s.io/${version}`,
  metadata: object.metadata,
})

const rowObject = (
  definition: ResourceDefinition,
  object: KubeObject,
  version: string,
  include: IncludeObject,
): unknown => {
  switch (include) {
    case 'Object':
      return inVersion(definition, object)
    case 'Metadata':
      return partial(object, version)
    case 'None':
      return null
  }
}

/** One object that cannot be shown in full must not hide the others of its list. */
const cellsOf = ({ columns }: ResourceDefinition, object: KubeObject, now: number): readonly Cell[] =>
  columns.map(({ cell }) => {
    try {
      return cell(object, now)
    } catch {
      return '<invalid>'
    }
  })

interface ListMeta {
  readonly resourceVersion: string
  readonly continue?: string
  readonly remainingItemCount?: number
}

const tableHead = ({ columns }: ResourceDefinition, metadata: Partial<ListMeta>, version: string) => ({
  kind: 'Table',
  apiVersion: `meta.k8s.io/${version}`,
  metadata,
  columnDefinitions: columns.map(({ name, type, format, description, priority }) => ({
    name,
    type,
    format: format ?? '',
    description,
    priority,
  })),
})

const tableOf = (
  definition: ResourceDefinition,
  items: readonly KubeObject[],
  metadata: Partial<ListMeta>,
  { version, include }: { readonly version: string; readonly include: IncludeObject },
  now: number,
): unknown => ({
  ...tableHead(definition, metadata, version),
  rows: items.map((item) => ({
    cells: cellsOf(definition, item, now),
    object: rowObject(definition, item, version, include),
  })),
})

/** As Go names the type of what is shown: `*core.NodeList`. */
const goTypeOf = ({ group, custom }: ResourceDefinition, kind: string): string =>
  `*${custom ? 'unstructured.Unstructured' : `${group.split('.')[0] || 'core'}.${kind}`}`

const notAsked = (asked: string, but: string): ApiError =>
  new ApiError(406, 'NotAcceptable', `you requested ${asked}, but the requested object is ${but}`)

/** One object, as asked for. Throws NotAcceptable for one who asks for a list. */
export const showObject = (
  definition: ResourceDefinition,
  object: KubeObject,
  representation: Representation,
  now: number,
): unknown => {
  switch (representation.as) {
    case 'object':
      return inVersion(definition, object)
    case 'metadata':
      if (representation.list)
        throw notAsked('PartialObjectMetadataList', `not a list (${goTypeOf(definition, definition.kind)})`)
      return partial(object, representation.version)
    case 'table': {
      const { resourceVersion } = object.metadata
      return tableOf(definition, [object], resourceVersion ? { resourceVersion } : {}, representation, now)
    }
  }
}

/** A bookmark of a watch, in the form of the watch's objects: clients decode nothing else there. It says the revision alone. */
export const showBookmark = (
  definition: ResourceDefinition,
  revision: number,
  annotations: Readonly<Record<string, string>>,
  representation: Representation,
  now: number,
): unknown => {
  const resourceVersion = String(revision)
  const said = Object.keys(annotations).length > 0 ? { annotations } : {}
  const metadata = { resourceVersion, creationTimestamp: null, ...said }
  switch (representation.as) {
    case 'object':
      return { kind: definition.kind, apiVersion: apiVersionOf(definition), metadata }
    case 'metadata':
      return partial({ metadata }, representation.version)
    case 'table': {
      const nothing = { kind: definition.kind, apiVersion: apiVersionOf(definition), metadata: { name: '' } }
      const object = representation.include === 'None' ? null : partial({ metadata }, representation.version)
      const rows = [{ cells: cellsOf(definition, nothing, now), object }]
      return { ...tableHead(definition, { resourceVersion }, representation.version), rows }
    }
  }
}

/** Objects as they are. */
export const listAnswer = (
  definition: ResourceDefinition,
  items: readonly KubeObject[],
  metadata: Partial<ListMeta>,
  warnings: readonly string[] = [],
): Answer => ({
  kind: 'list',
  list: {
    kind: listKindOf(definition),
    apiVersion: apiVersionOf(definition),
    metadata,
    items: items.map((item) => inVersion(definition, item)),
  },
  bare: definition.custom !== true,
  ...(warnings.length > 0 ? { warnings } : {}),
})

/** A list, as asked for. Throws NotAcceptable for who asks for one object. */
export const showList = (
  definition: ResourceDefinition,
  items: readonly KubeObject[],
  /** Empty for what is kept nowhere. */
  metadata: Partial<ListMeta>,
  representation: Representation,
  now: number,
): Answer => {
  switch (representation.as) {
    case 'object':
      return listAnswer(definition, items, metadata)
    case 'metadata':
      if (!representation.list)
        throw notAsked('PartialObjectMetadata', `a list (${goTypeOf(definition, listKindOf(definition))})`)
      return objectAnswer({
        kind: 'PartialObjectMetadataList',
        apiVersion: `meta.k8s.io/${representation.version}`,
        metadata,
        items: items.map((item) => partial(item, representation.version)),
      })
    case 'table':
      return objectAnswer(tableOf(definition, items, metadata, representation, now))
  }
}
