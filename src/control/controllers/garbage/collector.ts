/** Objects go when their last owner goes, in the way its deletion asked for. */
import { isNotFound } from '../../../api/errors.ts'
import { objectKey } from '../../../api/resources.ts'
import type { KubeObject, OwnerReference } from '../../../api/types/index.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createQueue } from '../../../controller/queue.ts'
import { foregroundFinalizer, orphanFinalizer } from '../../objects/deletion.ts'
import { apiVersionOf, bucketOf, type ResourceDefinition } from '../../resources/definition.ts'
import type { CreateController } from '../controller.ts'
import { hasOtherOwners, isForeground, isOrphaning, judge, ownerState } from './references.ts'

const name = 'garbage-collector'

interface Item {
  readonly definition: ResourceDefinition
  readonly object: KubeObject
}

const keyOf = ({ definition, object }: Item): string => `${bucketOf(definition)}|${objectKey(object)}`

export const createGarbageCollector: CreateController = (context) => {
  const { client, informers, registry } = context
  const { all } = informers

  const definitionOf = ({ apiVersion, kind }: OwnerReference): ResourceDefinition | undefined =>
    [...registry.definitions, ...[...all.values()].map(({ definition }) => definition)].find(
      (each) => each.kind === kind && apiVersionOf(each) === apiVersion,
    )

  const dependentsOf = (uid: string | undefined): readonly Item[] =>
    [...all.values()].flatMap(({ definition, copies }) =>
      copies.by('owner', uid ?? '').map((object) => ({ definition, object })),
    )

  const findOwner = (uid: string): KubeObject | undefined => {
    for (const { copies } of all.values()) {
      const found = copies.by('uid', uid)[0]
      if (found) return found
    }
    return undefined
  }

  /** The copies may lag behind; that an owner is gone must be true. */
  const askForOwner = async (object: KubeObject, reference: OwnerReference): Promise<KubeObject | undefined> => {
    const definition = definitionOf(reference)
    if (!definition)
      throw new Error(`${objectKey(object)} has an owner of unknown kind ${reference.apiVersion} ${reference.kind}`)
    try {
      return await client.get(definition, reference.name, definition.namespaced ? object.metadata.namespace : undefined)
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  const unlink = (item: Item, uids: ReadonlySet<string>): Promise<unknown> => {
    const { resourceVersion, ownerReferences = [] } = item.object.metadata
    const left = ownerReferences.filter(({ uid }) => !uids.has(uid))
    return client.patch(item.definition, item.object, { metadata: { resourceVersion, ownerReferences: left } })
  }

  const removeFinalizer = ({ definition, object }: Item, finalizer: string): Promise<unknown> => {
    const { resourceVersion, finalizers = [] } = object.metadata
    const left = finalizers.filter((each) => each !== finalizer)
    return client.patch(definition, object, { metadata: { resourceVersion, finalizers: left } })
  }

  /** An owner that waits for its dependents, or lets go of them. */
  const finishDeletion = async (item: Item): Promise<void> => {
    const { uid = '' } = item.object.metadata
    const dependents = dependentsOf(uid)
    if (isOrphaning(item.object)) {
      for (const dependent of dependents) await unlink(dependent, new Set([uid]))
      await removeFinalizer(item, orphanFinalizer)
      return
    }
    const isBlocking = ({ object }: Item): boolean =>
      object.metadata.ownerReferences?.some((each) => each.uid === uid && each.blockOwnerDeletion === true) ?? false
    for (const dependent of dependents) queue.add(keyOf(dependent))
    if (!dependents.some(isBlocking)) await removeFinalizer(item, foregroundFinalizer)
  }

  const collect = async (item: Item): Promise<void> => {
    const { definition, object } = item
    const owners = []
    for (const reference of object.metadata.ownerReferences ?? []) {
      const owner = findOwner(reference.uid) ?? (await askForOwner(object, reference))
      owners.push({ reference, state: ownerState(object, reference, owner) })
    }
    const { remove, unlink: gone } = judge(object, owners, dependentsOf(object.metadata.uid).length > 0)
    if (gone) await unlink(item, new Set(gone.map(({ uid }) => uid)))
    if (!remove) return
    const { uid = '', resourceVersion = '' } = object.metadata
    await client.delete(definition, object, { propagationPolicy: remove, preconditions: { uid, resourceVersion } })
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    const [bucket = '', objectPath = ''] = key.split('|')
    const known = all.get(bucket)
    const object = known?.copies.get(objectPath)
    if (!known || !object) return 'done'
    const item = { definition: known.definition, object }
    if (isForeground(object) || isOrphaning(object)) await finishDeletion(item)
    else await collect(item)
    return 'done'
  }

  const queue = createQueue(context, name, reconcile)

  /** Owners that wait for this one to go. */
  const wakeOwners = ({ metadata }: KubeObject): void => {
    for (const { uid } of metadata.ownerReferences ?? [])
      for (const { definition, copies } of all.values())
        for (const object of copies.by('uid', uid)) if (isForeground(object)) queue.add(keyOf({ definition, object }))
  }

  const changed = (
    definition: ResourceDefinition,
    key: string,
    current: KubeObject | undefined,
    previous: KubeObject | undefined,
  ): void => {
    const isNews = hasOtherOwners(current, previous)
    if (previous && isNews) wakeOwners(previous)
    if (!current || (previous && previous.metadata.uid !== current.metadata.uid))
      for (const dependent of dependentsOf(previous?.metadata.uid)) queue.add(keyOf(dependent))
    if (!current) return
    if ((current.metadata.ownerReferences && isNews) || isForeground(current) || isOrphaning(current))
      queue.add(`${bucketOf(definition)}|${key}`)
  }

  return {
    name,
    run: (signal) => {
      informers.each(
        ({ definition, copies }) =>
          copies.onChange((key, current, previous) => changed(definition, key, current, previous)),
        signal,
      )
      return queue.run(signal)
    },
  }
}
