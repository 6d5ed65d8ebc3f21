/** Writes why pods wait, and for which node, and says so in Events. */
import type { Client } from '../../api/client.ts'
import type { Clock } from '../../api/clock.ts'
import { withCondition } from '../../api/conditions.ts'
import { isConflict, isNotFound } from '../../api/errors.ts'
import { type EventRecorder, referenceTo } from '../../api/event-recorder.ts'
import { conditionOf } from '../../api/pods.ts'
import { objectKey, pods } from '../../api/resources.ts'
import type { Pod } from '../../api/types/index.ts'
import type { Nominations } from './nominations.ts'
import type { Verdict } from './verdict.ts'

export interface Teller {
  waiting(pod: Pod, verdict: Verdict): Promise<void>
  failed(pod: Pod, verdict: Verdict, events: EventRecorder): Promise<void>
  scheduled(pod: Pod, node: string, events: EventRecorder): void
}

export const createTeller = (client: Client, clock: Clock, nominations: Pick<Nominations, 'nodeOf'>): Teller => {
  const waiting: Teller['waiting'] = async (pod, { reason, message }) => {
    const known = conditionOf(pod, 'PodScheduled')
    const nominatedNodeName = nominations.nodeOf(pod)
    const isKnown = known?.status === 'False' && known.reason === reason && known.message === message
    if (isKnown && (pod.status?.nominatedNodeName || undefined) === nominatedNodeName) return
    const { uid } = pod.metadata
    const finding = { type: 'PodScheduled', status: 'False', reason, message }
    const conditions = withCondition(pod.status?.conditions, finding, clock.now())
    const status = { conditions, nominatedNodeName: nominatedNodeName ?? null }
    try {
      await client.patch(pods, pod, { metadata: { uid }, status }, 'status')
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
  }
  return {
    waiting,
    failed: (pod, verdict, events) => {
      events.record(referenceTo(pod), 'Warning', 'FailedScheduling', verdict.message)
      return waiting(pod, verdict)
    },
    scheduled: (pod, node, events) => {
      const message = `Successfully assigned ${objectKey(pod)} to ${node}`
      events.record(referenceTo(pod), 'Normal', 'Scheduled', message)
    },
  }
}
