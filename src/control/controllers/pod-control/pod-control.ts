/** What controllers of pods do alike: find the pods of an owner, make them, delete them, and tell of it in Events. */

import { errorText, isNamespaceTerminating, isNotFound } from '../../../api/errors.ts'
import { referenceTo } from '../../../api/event-recorder.ts'
import { objectKey, pods } from '../../../api/resources.ts'
import type { KubeObject, Pod } from '../../../api/types/index.ts'
import { createExpectations } from '../../../controller/expectations.ts'
import { followDependents } from '../../../controller/follow-dependents.ts'
import { claim, claimable, sortClaims } from '../../../controller/ownership.ts'
import { type ControllerContext, recorderFor } from '../controller.ts'
import { slowStart } from './slow-start.ts'
import type { PodDraft, WorkloadKind } from './workload.ts'

/** How long to wait for the informer to show what was written. */
export const catchUpMs = 1_000

export interface OwnedPods {
  readonly pods: readonly Pod[]
  /** The copy shows all that was written for the owner. While it does not, nobody may count by it. */
  readonly isCurrent: boolean
}

export interface MadePods {
  readonly made: readonly Pod[]
  /** Why not all were made. That a namespace goes is no failure. */
  readonly failure?: string
}

export interface PodControl<T extends KubeObject> {
  /** Adopts and releases as the owner's selector says. */
  claim(owner: T): Promise<OwnedPods>
  create(owner: T, drafts: readonly PodDraft[]): Promise<MadePods>
  /** Throws the first failure when all have been tried. */
  delete(owner: T, leaving: readonly Pod[]): Promise<void>
  /** Calls `add` with the keys of owners that changed, or whose pods did. */
  follow(add: (key: string) => void): void
}

/** What an Event says of a pod made or deleted, or not. */
export type PodWords<T> = (verb: 'create' | 'delete', owner: T, pod: string, error?: string) => string

const plainWords: PodWords<KubeObject> = (verb, _owner, pod, error) => {
  if (error !== undefined) return verb === 'create' ? `Error creating: ${error}` : `Error deleting: ${error}`
  return verb === 'create' ? `Created pod: ${pod}` : `Deleted pod: ${pod}`
}

export const createPodControl = <T extends KubeObject>(
  context: ControllerContext,
  kind: WorkloadKind<T>,
  words: PodWords<T> = plainWords,
): PodControl<T> => {
  const { client, informers, clock } = context
  const { resource, matcherOf, mayAdopt = () => true, finalizer } = kind
  const copies = informers.of(pods)
  const owners = informers.of(resource)
  const events = recorderFor(context, kind.source)
  const expectations = createExpectations(copies, clock)

  const createOne = async (owner: T, draft: PodDraft): Promise<Pod> => {
    const pod = await client.create(pods, draft)
    expectations.created(objectKey(owner), pod)
    events.record(referenceTo(owner), 'Normal', 'SuccessfulCreate', words('create', owner, pod.metadata.name))
    return pod
  }

  const deleteOne = async (owner: T, pod: Pod): Promise<void> => {
    const { name, uid = '' } = pod.metadata
    try {
      await client.delete(pods, pod, { preconditions: { uid } })
    } catch (error) {
      if (!isNotFound(error)) {
        const message = words('delete', owner, name, errorText(error))
        events.record(referenceTo(owner), 'Warning', 'FailedDelete', message)
        throw error
      }
    }
    expectations.deleted(objectKey(owner), pod)
    events.record(referenceTo(owner), 'Normal', 'SuccessfulDelete', words('delete', owner, name))
  }

  return {
    claim: async (owner) => {
      // Asked first: what the copy shows later must not vouch for what was read of it before.
      const isCurrent = expectations.areMet(objectKey(owner))
      const claims = sortClaims(owner, matcherOf(owner), claimable(copies, owner))
      const adopt = claims.adopt.filter((pod) => mayAdopt(owner, pod))
      const owned = await claim(client, [resource, owner], pods, { ...claims, adopt }, finalizer)
      return { isCurrent, pods: owned }
    },

    create: async (owner, drafts) => {
      const { done, error } = await slowStart(drafts, (draft) => createOne(owner, draft))
      if (error === undefined || isNamespaceTerminating(error)) return { made: done }
      const failure = errorText(error)
      const name = drafts[done.length]?.metadata.name ?? ''
      events.record(referenceTo(owner), 'Warning', 'FailedCreate', words('create', owner, name, failure))
      return { made: done, failure }
    },

    delete: async (owner, leaving) => {
      const results = await Promise.allSettled(leaving.map((pod) => deleteOne(owner, pod)))
      const failed = results.find(({ status }) => status === 'rejected')
      if (failed?.status === 'rejected') throw failed.reason
    },

    follow: (add) => {
      owners.onChange((key, current) => {
        if (!current) expectations.forget(key)
        add(key)
      })
      followDependents({ owners, dependents: copies, matcherOf }, add)
    },
  }
}
