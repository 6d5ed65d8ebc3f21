/** Who owns what: controller references, adoption and release. Pure, but for `claim`, which writes what was decided. */
import type { Client } from '../api/client.ts'
import { isNotFound } from '../api/errors.ts'
import type { CopyReader } from '../api/local-copy.ts'
import { groupVersion, type Resource } from '../api/resources.ts'
import type { LabelMatcher } from '../api/selectors.ts'
import type { KubeObject, OwnerReference } from '../api/types/index.ts'

/** The owner that manages the object, if there is one. */
export const controllerOf = ({ metadata }: KubeObject): OwnerReference | undefined =>
  metadata.ownerReferences?.find(({ controller }) => controller)

export const isControlledBy = (object: KubeObject, owner: KubeObject): boolean =>
  controllerOf(object)?.uid === owner.metadata.uid

export const controllerReference = (owner: KubeObject, resource: Resource): OwnerReference => ({
  apiVersion: groupVersion(resource),
  kind: resource.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
})

export interface Claims<T> {
  readonly owned: readonly T[]
  /** Match and belong to nobody. */
  readonly adopt: readonly T[]
  /** Belong to the owner and do not match any longer. */
  readonly release: readonly T[]
}

/** All that can be the owner's, without a look at what others manage. The copy has `commonIndexes`. */
export const claimable = <T extends KubeObject>(
  copies: Pick<CopyReader<T>, 'by'>,
  { metadata: { uid = '', namespace = '' } }: KubeObject,
): readonly T[] => [
  ...copies.by('controller', uid).filter(({ metadata }) => metadata.namespace === namespace),
  ...copies.by('free', namespace),
]

/** Sorts objects of the owner's namespace. An owner that is being deleted adopts nothing. */
export const sortClaims = <T extends KubeObject>(
  owner: KubeObject,
  matches: LabelMatcher,
  objects: readonly T[],
): Claims<T> => {
  const owned: T[] = []
  const adopt: T[] = []
  const release: T[] = []
  const mayAdopt = owner.metadata.deletionTimestamp === undefined
  for (const object of objects) {
    const controller = controllerOf(object)
    const fits = matches(object.metadata.labels)
    if (controller?.uid === owner.metadata.uid) {
      if (fits) owned.push(object)
      else if (mayAdopt) release.push(object)
    } else if (!controller && fits && mayAdopt && object.metadata.deletionTimestamp === undefined) adopt.push(object)
  }
  return { owned, adopt, release }
}

/** A copy may not know yet that the owner is being deleted, or is another one by now: who does not stay adopts nothing. */
const checkThatOwnerStays = async (client: Client, resource: Resource, { metadata }: KubeObject): Promise<void> => {
  const fresh = await client.get(resource, metadata.name, metadata.namespace)
  if (fresh.metadata.uid === metadata.uid && fresh.metadata.deletionTimestamp === undefined) return
  throw new Error(`${resource.kind} ${metadata.namespace}/${metadata.name} is being deleted and adopts nothing`)
}

/**
 * Writes adoptions and releases; resolves to everything that is owned now. With a `finalizer`, what is adopted gets it and
 * what is released loses it.
 */
export const claim = async <T extends KubeObject>(
  client: Client,
  [ownerResource, owner]: readonly [Resource, KubeObject],
  resource: Resource<T>,
  { owned, adopt, release }: Claims<T>,
  finalizer?: string,
): Promise<readonly T[]> => {
  const setOwners = (object: T, ownerReferences: readonly OwnerReference[], isOwned: boolean): Promise<T> => {
    const { resourceVersion, uid, finalizers = [] } = object.metadata
    const others = finalizers.filter((each) => each !== finalizer)
    const kept = finalizer === undefined ? {} : { finalizers: isOwned ? [...others, finalizer] : others }
    return client.patch(resource, object, { metadata: { resourceVersion, uid, ownerReferences, ...kept } })
  }
  const adopted: T[] = []
  if (adopt.length > 0) await checkThatOwnerStays(client, ownerResource, owner)
  for (const object of adopt) {
    const references = [...(object.metadata.ownerReferences ?? []), controllerReference(owner, ownerResource)]
    adopted.push(await setOwners(object, references, true))
  }
  for (const object of release) {
    const others = (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid)
    await setOwners(object, others, false).catch((error: unknown) => {
      if (!isNotFound(error)) throw error
    })
  }
  return [...owned, ...adopted]
}
