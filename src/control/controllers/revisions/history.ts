/** Keeps the past of workloads: one ControllerRevision for each template that they had. */
import type { Draft } from '../../../api/client.ts'
import { deepEqual } from '../../../api/deep-equal.ts'
import { isAlreadyExists, isNotFound } from '../../../api/errors.ts'
import { controllerRevisions, objectKey } from '../../../api/resources.ts'
import type { ControllerRevision } from '../../../api/types/kubernetes/apps-v1.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createExpectations } from '../../../controller/expectations.ts'
import { followDependents } from '../../../controller/follow-dependents.ts'
import { claim, claimable, controllerReference, isControlledBy, sortClaims } from '../../../controller/ownership.ts'
import type { ControllerContext } from '../controller.ts'
import { catchUpMs } from '../pod-control/pod-control.ts'
import type { WorkloadKind } from '../pod-control/workload.ts'
import { templateHash } from '../template-hash.ts'
import { dataOf, pastOf, type Revisioned, surplusOf } from './revision.ts'

export interface History {
  /** That of the present template. */
  readonly current: ControllerRevision
  /** All others, oldest first. */
  readonly old: readonly ControllerRevision[]
}

export interface RevisionHistory<T extends Revisioned> {
  /**
   * Looks at the owner of this key with its past, in which the present template is the newest; a little later, while the copy does not
   * show all that was written. One that is there no longer, or goes, is not looked at.
   */
  reconcile(key: string, look: (owner: T, past: History) => Promise<Outcome>): Promise<Outcome>
  /** Deletes what the history does not keep. */
  prune(owner: T, old: History['old'], isLive: (revision: ControllerRevision) => boolean): Promise<void>
  /** Calls `add` with the keys of owners whose revisions changed. */
  follow(add: (key: string) => void): void
}

/** With the hash after it, a name is as long as one may be. */
const longestPrefix = 223

export const createRevisionHistory = <T extends Revisioned>(
  { client, informers, clock }: Pick<ControllerContext, 'client' | 'informers' | 'clock'>,
  { resource, matcherOf }: Pick<WorkloadKind<T>, 'resource' | 'matcherOf'>,
  /** The label of a revision that holds its hash. */
  hashLabel: string,
): RevisionHistory<T> => {
  const copies = informers.of(controllerRevisions)
  const owners = informers.of(resource)
  const expectations = createExpectations(copies, clock)

  const draftOf = (owner: T, revision: number): Draft<ControllerRevision> => {
    const { name, namespace = '', annotations } = owner.metadata
    const { template } = owner.spec
    const hash = templateHash(template, owner.status?.collisionCount)
    return {
      metadata: {
        ...{ name: `${name.slice(0, longestPrefix)}-${hash}`, namespace },
        labels: { ...template.metadata?.labels, [hashLabel]: hash },
        ...(annotations ? { annotations } : {}),
        ownerReferences: [controllerReference(owner, resource)],
      },
      data: dataOf(owner),
      revision,
    }
  }

  /** The name is taken: by what we made a moment ago, or by another template with the same hash. */
  const takenBy = async (owner: T, { metadata, data }: Draft<ControllerRevision>): Promise<ControllerRevision> => {
    const found = await client.get(controllerRevisions, metadata.name, metadata.namespace)
    if (isControlledBy(found, owner) && deepEqual(found.data, data)) return found
    const collisionCount = (owner.status?.collisionCount ?? 0) + 1
    const change = { metadata: { uid: owner.metadata.uid }, status: { collisionCount } }
    await client.patch(resource, owner, change, 'status')
    throw new Error(`the name ${metadata.name} is taken by another ControllerRevision; trying the next`)
  }

  const make = async (owner: T, revision: number): Promise<ControllerRevision> => {
    const draft = draftOf(owner, revision)
    try {
      const made = await client.create(controllerRevisions, draft)
      expectations.created(objectKey(owner), made)
      return made
    } catch (error) {
      if (isAlreadyExists(error)) return takenBy(owner, draft)
      throw error
    }
  }

  const renumber = (found: ControllerRevision, revision: number): Promise<ControllerRevision> => {
    const { resourceVersion } = found.metadata
    return client.patch(controllerRevisions, found, { metadata: { resourceVersion }, revision })
  }

  const sync = async (owner: T): Promise<History> => {
    const claims = sortClaims(owner, matcherOf(owner), claimable(copies, owner))
    const owned = await claim(client, [resource, owner], controllerRevisions, claims)
    const { current, old, number } = pastOf(owner, owned)
    if (!current) return { current: await make(owner, number), old }
    return { current: current.revision === number ? current : await renumber(current, number), old }
  }

  return {
    reconcile: async (key, look) => {
      const owner = owners.get(key)
      if (!owner || owner.metadata.deletionTimestamp !== undefined) return 'done'
      return expectations.areMet(key) ? look(owner, await sync(owner)) : { againInMs: catchUpMs }
    },

    prune: async (owner, old, isLive) => {
      for (const revision of surplusOf(owner, old, isLive)) {
        const { uid = '', resourceVersion = '' } = revision.metadata
        try {
          await client.delete(controllerRevisions, revision, { preconditions: { uid, resourceVersion } })
        } catch (error) {
          if (!isNotFound(error)) throw error
        }
        expectations.deleted(objectKey(owner), revision)
      }
    },

    follow: (add) => {
      owners.onChange((key, current) => {
        if (!current) expectations.forget(key)
      })
      followDependents({ owners, dependents: copies, matcherOf }, add)
    },
  }
}
