/** What becomes of an object between a client's request and the store, apart from who allows it. Pure. */
import { deepEqual } from '../../api/deep-equal.ts'
import { badRequest } from '../../api/errors.ts'
import type { KubeObject, ObjectMeta } from '../../api/types/index.ts'
import { type OwnPart, type ResourceDefinition, storedVersionOf } from '../resources/definition.ts'
import { carryMetadata, sameWish } from '../resources/metadata.ts'

/** What the server decides about a new object. */
export interface Birth {
  readonly uid: string
  readonly time: string
  /** Five characters for a generated name. */
  readonly suffix: string
}

/**
 * The part of an object that a request writes: everything but the status, only the status, or one that has a subresource of its
 * own. `internal` is for the server's own subresources (a pod's binding, a namespace's finalize), which may change what no client
 * may.
 */
export type Part = 'main' | 'status' | 'internal' | OwnPart

/** The part that is written through a subresource, or without any. */
export const partOf = ({ parts = {} }: ResourceDefinition, subresource: string | undefined): Part => {
  if (subresource === 'status') return 'status'
  const own = subresource !== undefined && Object.hasOwn(parts, subresource) ? parts[subresource] : undefined
  return own ?? 'main'
}

const maxGeneratedBase = 58

const clientOnly = (metadata: ObjectMeta): ObjectMeta => {
  const {
    uid,
    creationTimestamp,
    resourceVersion,
    generation,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    ...rest
  } = metadata
  return rest
}

/** A missing name is refused later on, with everything else that is wrong. */
const nameOf = ({ name, generateName }: Partial<ObjectMeta>, suffix: string): string =>
  name || (generateName ? `${generateName.slice(0, maxGeneratedBase)}${suffix}` : '')

const withoutStatus = <T extends KubeObject>(object: T): T => {
  const { status, ...rest } = object as T & { status?: unknown }
  return rest as T
}

/** A new object, complete but for what admission adds. */
export const prepareCreate = (
  definition: ResourceDefinition,
  namespace: string | undefined,
  given: KubeObject,
  { uid, time, suffix }: Birth,
): KubeObject => {
  const asked = given.metadata?.namespace
  if (namespace !== undefined && asked && asked !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  const written = clientOnly(given.metadata ?? { name: '' })
  const metadata: ObjectMeta = {
    ...written,
    name: nameOf(written, suffix),
    ...(definition.namespaced ? { namespace } : { namespace: undefined }),
    uid,
    creationTimestamp: time,
    ...(definition.generation ? { generation: 1 } : {}),
  }
  const bare = definition.status === 'separate' ? withoutStatus(given) : given
  const object: KubeObject = { ...bare, apiVersion: storedVersionOf(definition), kind: definition.kind, metadata }
  const defaulted = definition.defaults?.(object) ?? object
  return definition.onCreate?.(defaulted) ?? defaulted
}

const statusOf = (object: KubeObject): unknown => (object as KubeObject & { readonly status?: unknown }).status

const withStatus = (object: KubeObject, status: unknown): KubeObject =>
  status === undefined ? withoutStatus(object) : ({ ...object, status } as KubeObject)

/** The metadata that a write of the status leads to. */
const metadataWithStatus = (definition: ResourceDefinition, given: ObjectMeta, old: ObjectMeta): ObjectMeta => {
  const keeps = definition.custom ? 'all' : (definition.statusKeeps ?? [])
  if (keeps === 'all') return old
  return { ...carryMetadata(given, old), ...Object.fromEntries(keeps.map((part) => [part, old[part]])) }
}

/** The generation counts the changes of what is wished: those of `object` since `old`, whoever made them. */
export const withGeneration = (definition: ResourceDefinition, object: KubeObject, old: KubeObject): KubeObject => {
  if (!definition.generation) return object
  // A custom kind without a status of its own may still have a field of that name.
  const hasStatus = definition.status !== undefined || definition.schema === undefined
  const isMarked =
    definition.generation === 'withAnnotations' &&
    !deepEqual(object.metadata.annotations ?? {}, old.metadata.annotations ?? {})
  const before = old.metadata.generation
  const generation = sameWish(object, old, hasStatus) && !isMarked ? before : (before ?? 0) + 1
  return object.metadata.generation === generation
    ? object
    : { ...object, metadata: { ...object.metadata, generation } }
}

/** `given` as the new version of `old`: the client's part from one, everything else from the other. `time`: RFC 3339. */
export const prepareUpdate = (
  definition: ResourceDefinition,
  given: KubeObject,
  old: KubeObject,
  part: Part,
  time = '',
): KubeObject => {
  if (part === 'status') {
    const written = withStatus(
      { ...old, metadata: metadataWithStatus(definition, given.metadata, old.metadata) },
      statusOf(given),
    )
    return definition.statusDefaults?.(written, old, time) ?? written
  }
  if (typeof part === 'object') {
    const taken = part.take(given, old)
    return withGeneration(definition, definition.defaults?.(taken) ?? taken, old)
  }
  const metadata = carryMetadata(given.metadata, old.metadata)
  if (part === 'internal') return { ...given, metadata }
  const owned = { ...given, apiVersion: storedVersionOf(definition), kind: definition.kind, metadata }
  const kept = definition.status ? withStatus(owned, statusOf(old)) : owned
  const adopted = definition.adopt?.(kept, old) ?? kept
  return withGeneration(definition, definition.defaults?.(adopted) ?? adopted, old)
}
