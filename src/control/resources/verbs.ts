/** What can be done with a kind and its subresources: discovery tells it, and requests for anything else get a 405. */
import type { Method } from '../../api/transport.ts'
import type { ResourceDefinition } from './definition.ts'

export const everyVerb = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] as const
export type Verb = (typeof everyVerb)[number]

export const verbsOf = ({ verbs = everyVerb }: ResourceDefinition): readonly Verb[] => verbs

/** Of what only hands requests on. */
export const proxyVerbs: readonly Verb[] = ['create', 'delete', 'get', 'patch', 'update']

export interface Subresource {
  readonly name: string
  readonly kind: string
  readonly verbs: readonly Verb[]
  readonly group?: string
  readonly version?: string
}

const window: readonly Verb[] = ['get', 'patch', 'update']

export const subresourcesOf = (definition: ResourceDefinition): readonly Subresource[] => [
  ...(definition.subresources ?? []),
  ...Object.keys(definition.parts ?? {}).map((name) => ({ name, kind: definition.kind, verbs: window })),
  ...(definition.scale ? [{ name: 'scale', kind: 'Scale', verbs: window, group: 'autoscaling', version: 'v1' }] : []),
  ...(definition.status ? [{ name: 'status', kind: definition.kind, verbs: window }] : []),
]

/** What a URL names. `everywhere`: a kind that lives in namespaces, in all of them at once. */
export type Place = 'object' | 'subresource' | 'collection' | 'everywhere'

const methods: Readonly<Record<Place, Readonly<Partial<Record<Verb, Method>>>>> = {
  object: { get: 'GET', update: 'PUT', patch: 'PATCH', delete: 'DELETE' },
  subresource: { get: 'GET', create: 'POST', update: 'PUT', patch: 'PATCH', delete: 'DELETE' },
  collection: { list: 'GET', watch: 'GET', create: 'POST', deletecollection: 'DELETE' },
  everywhere: { list: 'GET', watch: 'GET' },
}

/** The methods that one of `verbs` has at a place. */
export const methodsAt = (place: Place, verbs: readonly Verb[]): readonly Method[] => [
  ...new Set(verbs.flatMap((verb) => methods[place][verb] ?? [])),
]

/** Whether a verb means anything at a place. */
export const isVerbAt = (place: Place, verb: Verb): boolean => methods[place][verb] !== undefined
