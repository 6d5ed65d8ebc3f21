/**
 * Pods whose node will never report their end: it was removed, or it is not ready and somebody has said by its taint that it is out of
 * service (a non-graceful shutdown). They are deleted without waiting for it, so that their names and claims are free.
 */
import { isFinished } from '../../../api/pods.ts'
import { nodes, objectKey, pods, splitKey } from '../../../api/resources.ts'
import type { Node, Pod } from '../../../api/types/index.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createQueue } from '../../../controller/queue.ts'
import type { CreateController } from '../controller.ts'
import { readiness } from '../node-health.ts'

const name = 'pod-garbage-collector'

/** A node may be registered again after an upgrade: its pods get this long. */
const quarantineMs = 40_000

const outOfServiceTaint = 'node.kubernetes.io/out-of-service'

const isOutOfService = (node: Node): boolean =>
  readiness(node) !== 'True' && (node.spec?.taints ?? []).some(({ key }) => key === outOfServiceTaint)

export const createPodGcController: CreateController = (context) => {
  const { client, informers } = context
  const nodeCopies = informers.of(nodes)
  const podCopies = informers.of(pods)

  /** Why nobody will report the end of a pod, and for how long somebody may yet. */
  const lossOf = ({ metadata, spec }: Pod): { readonly message: string; readonly waitMs: number } | undefined => {
    if (!spec.nodeName) return undefined
    const node = nodeCopies.get(spec.nodeName)
    if (!node) return { message: 'the node of the pod was removed', waitMs: quarantineMs }
    if (metadata.deletionTimestamp === undefined || !isOutOfService(node)) return undefined
    return { message: 'the node of the pod is out of service', waitMs: 0 }
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    const pod = podCopies.get(key)
    const loss = pod && lossOf(pod)
    if (!pod || !loss) return 'done'
    const uid = pod.metadata.uid ?? ''
    if (!isFinished(pod)) {
      const status = { phase: 'Failed', reason: 'NodeLost', message: loss.message }
      await client.patch(pods, pod, { metadata: { uid }, status }, 'status')
    }
    await client.delete(pods, { metadata: splitKey(key) }, { gracePeriodSeconds: 0, preconditions: { uid } })
    return 'done'
  }

  const queue = createQueue(context, name, reconcile)

  const watch = (pod: Pod): void => {
    const loss = lossOf(pod)
    if (loss) queue.addAfter(objectKey(pod), loss.waitMs)
  }

  return {
    name,
    run: (signal) => {
      podCopies.onChange((_key, current) => {
        if (current) watch(current)
      })
      nodeCopies.onChange((key, current) => {
        if (!current || isOutOfService(current)) for (const pod of podCopies.by('node', key)) watch(pod)
      })
      return queue.run(signal)
    },
  }
}
