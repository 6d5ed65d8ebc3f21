/**
 * Shows the static pods of this node at the API: each has a mirror there, which is made again when somebody deletes it. A mirror
 * of a pod that is no longer in a file goes.
 */
import type { Client } from '../../api/client.ts'
import type { Clock } from '../../api/clock.ts'
import { ApiError, errorText, isAlreadyExists, isConflict, isNotFound } from '../../api/errors.ts'
import type { Informer } from '../../api/informer.ts'
import { isMirrorPod, mirrorAnnotation } from '../../api/pods.ts'
import { nodes, objectKey, pods } from '../../api/resources.ts'
import { createSyncLoop } from '../../api/sync-loop.ts'
import type { Pod } from '../../api/types/index.ts'
import type { Logger } from '../../host/log.ts'
import { isMirrorOf, type NodePods } from './node-pods.ts'

export interface MirrorsOptions {
  readonly client: Client
  readonly nodeName: string
  readonly api: Pick<Informer<Pod>, 'values' | 'get' | 'isSynced'>
  readonly nodePods: Pick<NodePods, 'staticPods'>
  /** What keeps a mirror from being made. */
  readonly onProblem: (message: string) => void
  readonly clock: Clock
  readonly log: Logger
}

const lookMs = 10_000
/** Who waits for the end of one sees it: the next one of that name, at once, would look like it. */
const pauseMs = 1_000

/** It goes with its Node. */
const mirrorFor = ({ metadata, spec }: Pod, nodeName: string, nodeUid: string): Pod => {
  const { uid = '', annotations, labels = {}, name, namespace } = metadata
  const owner = { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: nodeUid, controller: true }
  return {
    ...{ apiVersion: 'v1', kind: 'Pod', spec },
    metadata: {
      ...{ name, labels, ownerReferences: [owner], annotations: { ...annotations, [mirrorAnnotation]: uid } },
      ...(namespace === undefined ? {} : { namespace }),
    },
  }
}

export const createMirrors = (options: MirrorsOptions): Pick<ReturnType<typeof createSyncLoop>, 'markAll' | 'run'> => {
  const { client, nodeName, api, nodePods, onProblem, clock, log } = options
  const told = new Map<string, string>()
  const notBefore = new Map<string, number>()

  const remove = async ({ metadata }: Pod): Promise<void> => {
    const preconditions = metadata.uid === undefined ? {} : { preconditions: { uid: metadata.uid } }
    await client.delete(pods, { metadata }, { gracePeriodSeconds: 0, ...preconditions }).catch((error: unknown) => {
      if (!isNotFound(error) && !isConflict(error)) throw error
    })
  }

  const tell = (key: string, message: string): void => {
    if (told.get(key) !== message) onProblem(message)
    told.set(key, message)
  }

  const refuse = (key: string): void =>
    tell(
      key,
      `the API has another pod ${key}: static pod ${key}, which runs all the same, is not shown until that one is deleted`,
    )

  const make = async (pod: Pod): Promise<void> => {
    const key = objectKey(pod)
    const { metadata } = await client.get(nodes, nodeName)
    try {
      await client.create(pods, mirrorFor(pod, nodeName, metadata.uid ?? ''))
      told.delete(key)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (!isAlreadyExists(error))
        return tell(key, `the API shows no mirror of static pod ${key}, which runs all the same: ${errorText(error)}`)
      const other = await client.get(pods, pod.metadata.name, pod.metadata.namespace)
      // A mirror will be shown by the informer.
      if (!isMirrorPod(other) || other.spec.nodeName !== nodeName) refuse(key)
    }
  }

  const mirror = async (pod: Pod): Promise<void> => {
    const key = objectKey(pod)
    const found = api.get(key)
    const waitMs = (notBefore.get(key) ?? 0) - clock.now()
    if (waitMs > 0) return void clock.after(waitMs, loop.markAll)
    if (!found) return make(pod)
    if (!isMirrorPod(found)) return refuse(key)
    if (isMirrorOf(found, pod)) return
    await remove(found)
    notBefore.set(key, clock.now() + pauseMs)
    loop.markAll()
  }

  const sync = async (): Promise<void> => {
    if (!api.isSynced) return
    const own = nodePods.staticPods()
    for (const found of [...api.values()]) if (isMirrorPod(found) && !own.has(objectKey(found))) await remove(found)
    for (const pod of own.values()) await mirror(pod)
  }

  const loop = createSyncLoop({
    ...{ sync, clock, resyncMs: lookMs },
    onError: (error, retryInMs) => log.warn({ err: error, retryInMs }, 'cannot show the static pods at the API'),
  })
  return loop
}
