/** Pods whose node is gone: nobody will ever report their end, so they are deleted without waiting for it. */
import { isFinished } from '../../../api/pods.ts'
import { nodes, objectKey, pods, splitKey } from '../../../api/resources.ts'
import type { Pod } from '../../../api/types/index.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createQueue } from '../../../controller/queue.ts'
import type { CreateController } from '../controller.ts'

const name = 'pod-garbage-collector'

/** A node may be registered again after an upgrade: its pods get this long. */
const quarantineMs = 40_000

export const createPodGcController: CreateController = (context) => {
  const { client, informers } = context
  const nodeCopies = informers.of(nodes)
  const podCopies = informers.of(pods)

  const reconcile = async (key: string): Promise<Outcome> => {
    const pod = podCopies.get(key)
    const node = pod?.spec.nodeName
    if (!pod || !node || nodeCopies.get(node)) return 'done'
    if (!isFinished(pod)) {
      const status = { phase: 'Failed', reason: 'NodeLost', message: 'the node of the pod was removed' }
      await client.patch(pods, pod, { status }, 'status')
    }
    const uid = pod.metadata.uid ?? ''
    await client.delete(pods, { metadata: splitKey(key) }, { gracePeriodSeconds: 0, preconditions: { uid } })
    return 'done'
  }

  const queue = createQueue(context, name, reconcile)

  const watch = (pod: Pod | undefined): void => {
    const node = pod?.spec.nodeName
    if (pod && node && !nodeCopies.get(node)) queue.addAfter(objectKey(pod), quarantineMs)
  }

  return {
    name,
    run: (signal) => {
      podCopies.onChange((_key, current) => watch(current))
      nodeCopies.onChange((key, current) => {
        if (!current) for (const pod of podCopies.by('node', key)) watch(pod)
      })
      return queue.run(signal)
    },
  }
}
