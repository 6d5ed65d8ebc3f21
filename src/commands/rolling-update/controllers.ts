/** The ReplicationControllers of one namespace, asked and changed one step at a time. */
import type { Client } from '../../api/client.ts'
import { type Clock, sleep } from '../../api/clock.ts'
import { isNotFound } from '../../api/errors.ts'
import { pods, replicationControllers } from '../../api/resources.ts'
import { formatLabelSelector } from '../../api/selectors.ts'
import type { Pod, StringMap } from '../../api/types/index.ts'
import type { ReplicationController } from '../../api/types/kubernetes/core-v1.ts'
import { availableIn, isActive } from '../../control/controllers/pod-state.ts'
import { counted } from '../../host/counted.ts'

export interface Access {
  readonly client: Client
  readonly clock: Clock
  readonly namespace: string
  /** How often is asked for what is waited for, and for how long. */
  readonly pollMs: number
  readonly timeoutMs: number
}

type Controllers = ReturnType<typeof createControllers>

export type { Controllers }

const ownerOf = ({ metadata }: Pod): string | undefined =>
  metadata.ownerReferences?.find(({ controller }) => controller)?.uid

const isSettled = ({ metadata, spec, status }: ReplicationController): boolean =>
  (status.observedGeneration ?? 0) >= (metadata.generation ?? 0) && status.replicas === (spec.replicas ?? 1)

const isObserved = ({ metadata, status }: ReplicationController): boolean =>
  (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)

const whyNot = ({ status }: ReplicationController): string =>
  status.conditions?.find(({ type }) => type === 'ReplicaFailure')?.message ?? `it has ${status.replicas}`

export const createControllers = ({ client, clock, namespace, pollMs, timeoutMs }: Access) => {
  const named = (name: string) => ({ metadata: { name, namespace } })

  const get = (name: string): Promise<ReplicationController> => client.get(replicationControllers, name, namespace)

  const find = (name: string): Promise<ReplicationController | undefined> =>
    get(name).catch((error: unknown) => {
      if (isNotFound(error)) return undefined
      throw error
    })

  /** Asks until there is an answer; `why` says what is missing when the time is over. */
  const poll = async <T>(look: () => Promise<T | undefined>, why: () => string): Promise<T> => {
    const deadline = clock.now() + timeoutMs
    for (;;) {
      const found = await look()
      if (found !== undefined) return found
      if (clock.now() >= deadline) throw new Error(`timed out waiting for ${why()}`)
      await sleep(pollMs, undefined, clock)
    }
  }

  const until = async (
    name: string,
    holds: (controller: ReplicationController) => boolean,
    what: (last: ReplicationController | undefined) => string,
  ): Promise<ReplicationController> => {
    let last: ReplicationController | undefined
    return poll(
      async () => {
        last = await get(name)
        return holds(last) ? last : undefined
      },
      () => what(last),
    )
  }

  const selected = async ({ spec }: ReplicationController): Promise<readonly Pod[]> => {
    const labelSelector = formatLabelSelector({ matchLabels: spec.selector ?? {} })
    return (await client.list(pods, { namespace, labelSelector })).items.filter(isActive)
  }

  return {
    ...{ get, find, poll },
    patch: (name: string, change: object): Promise<ReplicationController> =>
      client.patch(replicationControllers, named(name), change),
    /** Until its controller has seen what it is now: from then on no pod is made of what it was. */
    observed: (name: string) => until(name, isObserved, () => `${name} to be observed: does its controller run?`),
    /** Until it has as many pods as it is to have. */
    settled: (name: string) =>
      until(
        name,
        isSettled,
        (last) =>
          `${name} to have ${counted(last?.spec.replicas ?? 1, 'pod')}: ${last ? whyNot(last) : 'it is not there'}`,
      ),
    /** The pods that it chooses and has, or may have. */
    podsOf: async (owner: ReplicationController): Promise<readonly Pod[]> =>
      (await selected(owner)).filter((pod) => [owner.metadata.uid, undefined].includes(ownerOf(pod))),
    available: async (owner: ReplicationController): Promise<number> =>
      (await selected(owner)).filter(
        (pod) =>
          ownerOf(pod) === owner.metadata.uid && availableIn(pod, owner.spec.minReadySeconds ?? 0, clock.now()) === 0,
      ).length,
    label: (pod: Pod, labels: StringMap): Promise<unknown> =>
      client.patch(pods, pod, { metadata: { labels } }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error
      }),
    create: (body: Pick<ReplicationController, 'metadata' | 'spec'>): Promise<ReplicationController> =>
      client.create(replicationControllers, {
        ...{ ...body, metadata: { ...body.metadata, namespace } },
        status: { replicas: 0 },
      }),
    replace: (controller: ReplicationController): Promise<ReplicationController> =>
      client.update(replicationControllers, controller),
    /** Done when there is none. */
    delete: async ({ metadata }: ReplicationController, propagationPolicy: 'Background' | 'Orphan'): Promise<void> => {
      const preconditions = { uid: metadata.uid ?? '' }
      await client
        .delete(replicationControllers, named(metadata.name), { preconditions, propagationPolicy })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error
        })
    },
  }
}
