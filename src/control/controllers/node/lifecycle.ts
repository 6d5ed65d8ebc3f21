/** Watches over the nodes: who is silent is not ready, and after a while its pods are given up. */
import { isConflict, isNotFound } from '../../../api/errors.ts'
import { referenceTo } from '../../../api/event-recorder.ts'
import { leases, nodes, pods } from '../../../api/resources.ts'
import { createSyncLoop } from '../../../api/sync-loop.ts'
import type { Node, Pod } from '../../../api/types/index.ts'
import { type CreateController, recorderFor } from '../controller.ts'
import { evictionTime, lifecycleTaintsFor, lostPodConditions, readiness, silentConditions } from '../node-health.ts'
import { createHeartbeats } from './heartbeats.ts'

const name = 'node-lifecycle-controller'

const lookEveryMs = 1_000
const tooLateMs = 3 * lookEveryMs

export const createNodeLifecycleController: CreateController = (context) => {
  const { client, informers, clock, log, settings } = context
  const nodeCopies = informers.of(nodes)
  const leaseCopies = informers.of(leases)
  const podCopies = informers.of(pods)
  const events = recorderFor(context, name)
  const heartbeats = createHeartbeats()
  let lastLook = clock.now()

  const podsOf = (node: Node): readonly Pod[] => podCopies.by('node', node.metadata.name)

  const tellNotReady = (node: Node): void => {
    const { name: nodeName } = node.metadata
    log.warn({ node: nodeName }, 'node is silent: not ready')
    // Events about nodes bear the node's name as uid: that is what kubectl describe looks for.
    const about = { ...referenceTo(node), uid: nodeName }
    events.record(about, 'Normal', 'NodeNotReady', `Node ${nodeName} status is now: NodeNotReady`)
  }

  const markSilent = async (node: Node): Promise<Node> => {
    const conditions = silentConditions(node, clock.now())
    if (!conditions) return node
    if (readiness(node) === 'True') tellNotReady(node)
    const { resourceVersion } = node.metadata
    return client.patch(nodes, node, { metadata: { resourceVersion }, status: { conditions } }, 'status')
  }

  const taint = async (node: Node): Promise<Node> => {
    const taints = lifecycleTaintsFor(node, readiness(node), clock.now())
    if (!taints) return node
    const { resourceVersion } = node.metadata
    return client.patch(nodes, node, { metadata: { resourceVersion }, spec: { taints } })
  }

  const takeOutOfService = async (pod: Pod): Promise<void> => {
    const conditions = lostPodConditions(pod, clock.now())
    if (!conditions) return
    const { resourceVersion } = pod.metadata
    await client.patch(pods, pod, { metadata: { resourceVersion }, status: { conditions } }, 'status')
    events.record(referenceTo(pod), 'Warning', 'NodeNotReady', 'Node is not ready')
  }

  const evict = async (pod: Pod): Promise<void> => {
    events.record(
      referenceTo(pod),
      'Normal',
      'TaintManagerEviction',
      `Marking for deletion Pod ${pod.metadata.namespace}/${pod.metadata.name}`,
    )
    await client.delete(pods, pod, { preconditions: { uid: pod.metadata.uid ?? '' } })
  }

  /** A lost race is looked at again in the next round. */
  const attempt = async (what: string, node: Node, action: () => Promise<unknown>): Promise<void> => {
    try {
      await action()
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error))
        log.warn({ err: error, node: node.metadata.name }, `cannot ${what}; trying again`)
    }
  }

  const evictDue = async (node: Node, now: number): Promise<void> => {
    const taints = (node.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute')
    // Most nodes have none, and all of their pods would be looked at every second.
    if (taints.length === 0) return
    for (const pod of podsOf(node)) {
      if (pod.metadata.deletionTimestamp !== undefined) continue
      const due = evictionTime(pod, taints)
      if (due <= now) await attempt('evict a pod', node, () => evict(pod))
    }
  }

  const look = async (now: number): Promise<void> => {
    const all = [...nodeCopies.values()]
    heartbeats.retain(new Set(all.map(({ metadata }) => metadata.name)))
    const graceMs = settings.nodeMonitorGraceSeconds * 1000
    const isSilent = (node: Node): boolean => {
      const lease = leaseCopies.get(`kube-node-lease/${node.metadata.name}`)
      return heartbeats.silence(node, lease, now) > graceMs
    }
    const silent = new Set(all.filter(isSilent))
    // All at once means that it is us who hear nothing: nobody is judged then.
    const isCutOff = all.length > 1 && silent.size === all.length
    for (const node of all) {
      if (isCutOff) continue
      await attempt('update the node', node, async () => {
        const judged = silent.has(node) ? await markSilent(node) : node
        const tainted = await taint(judged)
        if (readiness(tainted) !== 'True') for (const pod of podsOf(node)) await takeOutOfService(pod)
        await evictDue(tainted, now)
      })
    }
  }

  const loop = createSyncLoop({
    clock,
    resyncMs: lookEveryMs,
    minIntervalMs: 50,
    sync: () => {
      const now = clock.now()
      // A look that comes far too late (the machine slept) proves nothing about the nodes.
      if (now - lastLook > tooLateMs) heartbeats.retain(new Set())
      lastLook = now
      return look(now)
    },
    onError: (error, retryInMs) => log.warn({ err: error, retryInMs }, 'cannot look after the nodes; trying again'),
  })

  return {
    name,
    run: (signal) => {
      // A node that is ready at last must not wait for the next look to lose its taints.
      nodeCopies.onChange((_key, current, previous) => {
        if (current && (!previous || readiness(current) !== readiness(previous))) loop.markAll()
      })
      return loop.run(signal)
    },
  }
}
