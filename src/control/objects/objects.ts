/** Objects of every kind, read and written by the rules of the Kubernetes API. Knows nothing of HTTP. */
import { type Clock, formatTime } from '../../api/clock.ts'
import { deepEqual } from '../../api/deep-equal.ts'
import {
  type ApiError,
  alreadyExists,
  conflict,
  type FieldError,
  internalError,
  invalid,
  modifiedMeanwhile,
  notFound,
  type ResourceName,
  tooLarge,
} from '../../api/errors.ts'
import { isJsonObject } from '../../api/json.ts'
import type { KubeObject, ManagedFieldsEntry, ObjectMeta } from '../../api/types/index.ts'
import type { User } from '../auth/user.ts'
import { asShown, validateObject } from '../registry/validate.ts'
import { bucketOf, kindOf, type ResourceDefinition, withMetadata } from '../resources/definition.ts'
import { validateDeletionTime, validateMetadataUpdate } from '../resources/metadata.ts'
import { pathOf, RevisionMismatch, type StoreKey } from '../storage/backend.ts'
import { atRevision, EntryTooLarge, objectLimit, type Store, type Write } from '../storage/store.ts'
import {
  type Accounting,
  type Admission,
  type AskedWrite,
  admitAll,
  admitRequest,
  type RequestReview,
  type Review,
  type Validation,
} from './admission.ts'
import { checkPreconditions, type Deletion, isReleased, markDeleted } from './deletion.ts'
import { type Birth, type Part, prepareCreate, prepareUpdate } from './prepare.ts'

export interface ObjectsOptions {
  readonly store: Store
  readonly clock: Clock
  readonly admissions: readonly Admission[]
  /** Asked after all admissions, about objects that are valid. */
  readonly validations?: readonly Validation[]
  readonly accounting?: Accounting
  readonly newUid: () => string
  /** Five characters that make a generated name unique. */
  readonly newSuffix: () => string
}

/** What a write is asked to respect. */
export interface WriteOptions {
  readonly user: User
  readonly dryRun?: boolean
  /** How a client asked for it. */
  readonly asked?: AskedWrite
  /** Who manages which field afterwards; missing for the server's own writes, which leave that as it is. */
  readonly manage?: Manage
}

/** An object made of the one that is there. */
export type ChangeObject = (old: KubeObject) => KubeObject | Promise<KubeObject>

/** The `managedFields` of an object that a write makes of another one, or of none. */
export type Manage = (old: KubeObject | undefined, now: KubeObject) => ObjectMeta['managedFields']

/** The name of an object of a kind: `namespace` is missing for cluster-scoped kinds. */
export interface ObjectName {
  readonly namespace: string | undefined
  readonly name: string
}

export interface Deleted {
  readonly object: KubeObject
  /** False while a grace period or a finalizer keeps it. */
  readonly gone: boolean
}

export interface Objects {
  /** Throws NotFound. */
  get(definition: ResourceDefinition, name: ObjectName): KubeObject
  /** Throws AlreadyExists, Invalid, or what an admission says. */
  create(
    definition: ResourceDefinition,
    namespace: string | undefined,
    given: KubeObject,
    options: WriteOptions,
  ): Promise<KubeObject>
  /**
   * Replaces the object by `change` of its present state; called again when someone else wrote in between, unless the
   * changed object names the resourceVersion it came from.
   */
  update(
    definition: ResourceDefinition,
    name: ObjectName,
    part: Part,
    change: ChangeObject,
    options: WriteOptions,
  ): Promise<KubeObject>
  delete(definition: ResourceDefinition, name: ObjectName, deletion: Deletion, options: WriteOptions): Promise<Deleted>
  /** The object of a request that keeps none, as admission leaves it. Throws what an admission says. */
  admit(review: RequestReview): Promise<KubeObject>
}

const attempts = 16

const unlimited: Accounting = { charge: (_writing, commit) => commit([]) }

const managed = (object: KubeObject, fields: ObjectMeta['managedFields']): KubeObject => {
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata: fields && fields.length > 0 ? { ...metadata, managedFields: fields } : metadata }
}

const isOwnership = ({ manager, operation, apiVersion, fieldsType, fieldsV1 }: ManagedFieldsEntry): boolean =>
  Boolean(manager && apiVersion) &&
  (operation === 'Apply' || operation === 'Update') &&
  fieldsType === 'FieldsV1' &&
  isJsonObject(fieldsV1)

/**
 * Who managed what before, by the word of the client: a list with one empty entry wants everybody's claims gone. An empty list
 * comes from who does not know of them, and one that cannot be read from nobody: undefined.
 */
const claimedBefore = (fields: readonly ManagedFieldsEntry[] = []): readonly ManagedFieldsEntry[] | undefined => {
  if (fields.length === 1 && fields.every((entry) => Object.keys(entry).length === 0)) return []
  return fields.length > 0 && fields.every(isOwnership) ? fields : undefined
}

const keyOf = (definition: ResourceDefinition, { namespace, name }: ObjectName): StoreKey => ({
  bucket: bucketOf(definition),
  name: definition.namespaced ? `${namespace}/${name}` : name,
})

const resourceName = ({ group, plural }: ResourceDefinition): ResourceName => ({ group, plural })

/** A write that means another object of this name, in the words of the store of Kubernetes. */
export const otherUid = (
  definition: ResourceDefinition,
  { namespace, name }: ObjectName,
  meant: string,
  found: string,
) => {
  const path = [definition.plural, namespace, name].filter((part) => part !== undefined).join('/')
  const why = `Precondition failed: UID in precondition: ${meant}, UID in object meta: ${found}`
  return conflict(
    resourceName(definition),
    name,
    `StorageError: invalid object, Code: 4, Key: /${path}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`,
  )
}

/** A failed write in the API's words; a fault of the medium passes as it is. */
const translate = (error: unknown, raced: () => ApiError): unknown => {
  if (error instanceof RevisionMismatch) return raced()
  if (error instanceof EntryTooLarge) return tooLarge(`the object is larger than the limit of ${objectLimit} bytes`)
  return error
}

const isBeside = (error: unknown, key: StoreKey): boolean =>
  error instanceof RevisionMismatch && pathOf(error.key) !== pathOf(key)

const changedTooOften = (): ApiError => internalError('the object is being changed too often by others')

export const createObjects = (options: ObjectsOptions): Objects => {
  const { store, clock, admissions, validations = [], accounting = unlimited, newUid, newSuffix } = options

  const present = (definition: ResourceDefinition, name: ObjectName) => {
    const entry = store.get(keyOf(definition, name))
    if (!entry) throw notFound(resourceName(definition), name.name)
    return entry
  }

  const check = (definition: ResourceDefinition, object: KubeObject, errors: readonly FieldError[]): void => {
    if (errors.length > 0)
      throw invalid(
        definition,
        object.metadata.name || (object.metadata.generateName ?? ''),
        asShown(definition, errors),
      )
  }

  /** Runs a write that admission has a part in; what it took is given back unless the write succeeds. */
  const admitted = async <T>(review: Review, write: (object: KubeObject) => Promise<T>): Promise<T> => {
    let done = false
    try {
      const result = await write(await admitAll(admissions, review))
      done = result !== undefined && !review.dryRun
      return result
    } finally {
      if (!done) for (const admission of admissions) admission.revoke?.(review)
    }
  }

  const newBirth = (): Birth => ({ uid: newUid(), time: formatTime(clock.now()), suffix: newSuffix() })

  /** Commits an object with what admission wants beside it. */
  const commit = (
    definition: ResourceDefinition,
    write: Write,
    object: KubeObject | undefined,
    old: KubeObject | undefined,
  ): Promise<number> => {
    const writing = { definition: kindOf(definition), object, old }
    return accounting.charge(writing, (taken) =>
      store.commit(write, ...admissions.flatMap(({ beside }) => beside?.(writing, newBirth) ?? []), ...taken),
    )
  }

  /** Whether there would be room for it. */
  const checkRoom = (
    definition: ResourceDefinition,
    object: KubeObject,
    old: KubeObject | undefined,
  ): Promise<KubeObject> => accounting.charge({ definition: kindOf(definition), object, old }, async () => object)

  /** Undefined when somebody was faster with what is written beside it. */
  const createOnce = async (
    definition: ResourceDefinition,
    namespace: string | undefined,
    given: KubeObject,
    { user, dryRun = false, manage, asked }: WriteOptions,
  ): Promise<KubeObject | undefined> => {
    const birth = newBirth()
    const prepared = prepareCreate(definition, namespace, given, birth)
    const kind = kindOf(definition)
    const about = { definition: kind, user, dryRun, ...(asked ? { asked } : {}) }
    const review = { operation: 'create', object: prepared, old: undefined, ...about } as const
    return admitted(review, async (whole) => {
      check(definition, whole, validateObject(definition, whole))
      for (const each of validations) await each.validate({ ...review, object: whole })
      const object = managed(whole, manage?.(undefined, whole))
      const { name } = object.metadata
      const key = keyOf(definition, { namespace, name })
      const exists = () => alreadyExists(resourceName(definition), name)
      if (store.get(key)) throw exists()
      if (dryRun) return checkRoom(definition, object, undefined)
      try {
        return atRevision(object, await commit(definition, { key, expected: 0, object }, object, undefined))
      } catch (error) {
        if (isBeside(error, key)) return undefined
        throw translate(error, exists)
      }
    })
  }

  const remove = async (
    definition: ResourceDefinition,
    key: StoreKey,
    expected: number,
    object: KubeObject,
    old: KubeObject,
  ): Promise<KubeObject> => atRevision(object, await commit(definition, { key, expected }, undefined, old))

  /** One try at an update; undefined when someone else was faster and it may be tried again. */
  const updateOnce = async (
    definition: ResourceDefinition,
    name: ObjectName,
    part: Part,
    change: ChangeObject,
    { user, dryRun = false, manage, asked }: WriteOptions,
  ): Promise<KubeObject | undefined> => {
    const { revision, object: old, key } = present(definition, name)
    const given = await change(old)
    const raced = () => modifiedMeanwhile(resourceName(definition), name.name)
    const version = given.metadata.resourceVersion
    if (version && version !== String(revision)) throw raced()
    if (given.metadata.uid && given.metadata.uid !== old.metadata.uid)
      throw otherUid(definition, name, given.metadata.uid, old.metadata.uid ?? '')
    const prepared = prepareUpdate(definition, given, old, part, formatTime(clock.now()))
    const about = { definition: kindOf(definition), user, dryRun, ...(asked ? { asked } : {}) }
    const review = { operation: 'update', object: prepared, old, ...about } as const
    return admitted(review, async (object) => {
      check(definition, object, [
        ...validateMetadataUpdate(object.metadata, old.metadata),
        ...validateDeletionTime(given.metadata, old.metadata),
        ...(part === 'main' ? (definition.validateUpdate?.(object, old) ?? []) : []),
        ...(typeof part === 'object' ? part.validate(object, old) : []),
        ...validateObject(definition, object, old),
      ])
      for (const each of validations) await each.validate({ ...review, object })
      const claimed = part === 'main' ? claimedBefore(given.metadata.managedFields) : undefined
      const before = claimed ? managed(old, claimed) : old
      const fields = manage ? manage(before, object) : old.metadata.managedFields
      const next = managed(withMetadata(object, { resourceVersion: old.metadata.resourceVersion }), fields)
      if (dryRun) return checkRoom(definition, next, old)
      if (deepEqual(next, old)) return old
      try {
        if (isReleased(definition, next)) return await remove(definition, key, revision, next, old)
        return atRevision(next, await commit(definition, { key, expected: revision, object: next }, next, old))
      } catch (error) {
        if (isBeside(error, key) || (error instanceof RevisionMismatch && !version)) return undefined
        throw translate(error, raced)
      }
    })
  }

  const deleteOnce = async (
    definition: ResourceDefinition,
    name: ObjectName,
    deletion: Deletion,
    { user, dryRun = false, asked }: WriteOptions,
  ): Promise<Deleted | undefined> => {
    const { revision, object: old, key } = present(definition, name)
    const review = { definition: kindOf(definition), object: old, user, dryRun, ...(asked ? { asked } : {}) }
    for (const admission of admissions) await admission.admitDeletion?.(review)
    checkPreconditions(definition, old, deletion)
    for (const each of validations) await each.validateDeletion(review)
    const marked = markDeleted(definition, old, deletion, clock.now())
    const gone = isReleased(definition, marked)
    if (dryRun) return { object: marked, gone }
    if (!gone && deepEqual(marked, old)) return { object: old, gone }
    try {
      if (gone) return { object: await remove(definition, key, revision, old, old), gone }
      const at = await commit(definition, { key, expected: revision, object: marked }, marked, old)
      return { object: atRevision(marked, at), gone }
    } catch (error) {
      if (error instanceof RevisionMismatch) return undefined
      throw error
    }
  }

  const retried = async <T>(once: () => Promise<T | undefined>): Promise<T> => {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const result = await once()
      if (result !== undefined) return result
    }
    throw changedTooOften()
  }

  return {
    get: (definition, name) => present(definition, name).object,
    create: async (definition, namespace, given, options) => {
      const generated = !given.metadata?.name && given.metadata?.generateName !== undefined
      for (let attempt = 1; ; attempt++) {
        try {
          const made = await createOnce(definition, namespace, given, options)
          if (made) return made
          if (attempt >= attempts) throw changedTooOften()
        } catch (error) {
          const taken = (error as Partial<ApiError>).reason === 'AlreadyExists'
          if (!generated || !taken || attempt >= attempts) throw error
        }
      }
    },
    update: (definition, name, part, change, options) =>
      retried(() => updateOnce(definition, name, part, change, options)),
    delete: (definition, name, deletion, options) => retried(() => deleteOnce(definition, name, deletion, options)),
    admit: async (review) => {
      const object = await admitRequest(admissions, review)
      for (const each of validations) await each.validateRequest({ ...review, object })
      return object
    },
  }
}
