/** Makes room for pods: tells less important ones, and deletes them as anybody would, with their time to end. */
import type { Client } from '../../api/client.ts'
import type { Clock } from '../../api/clock.ts'
import { withCondition } from '../../api/conditions.ts'
import { isConflict, isNotFound } from '../../api/errors.ts'
import { type EventRecorder, referenceTo } from '../../api/event-recorder.ts'
import { pods } from '../../api/resources.ts'
import type { Pod } from '../../api/types/index.ts'
import type { Logger } from '../../host/log.ts'

export interface EvictingContext {
  readonly client: Client
  readonly clock: Clock
  readonly events: EventRecorder
  readonly log: Logger
  /** Of the scheduler that does it. */
  readonly schedulerName: string
}

const unlessGone = (error: unknown): void => {
  if (!isNotFound(error) && !isConflict(error)) throw error
}

const mostTries = 5

type Marking = Pick<EvictingContext, 'client' | 'clock' | 'schedulerName'>

/** Beside what the agent writes there in the same moment. */
const mark = async (context: Marking, victim: Pod, tries = mostTries): Promise<void> => {
  const { client, clock, schedulerName } = context
  const { name, namespace, uid, resourceVersion } = victim.metadata
  const finding = {
    ...{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' },
    message: `${schedulerName}: preempting to accommodate a higher priority pod`,
  }
  const status = { conditions: withCondition(victim.status?.conditions, finding, clock.now()) }
  try {
    await client.patch(pods, victim, { metadata: { uid, resourceVersion }, status }, 'status')
  } catch (error) {
    if (!isConflict(error)) throw error
    // It is there and goes nowhere: whoever waits for its end has to hear of it.
    if (tries === 1) throw new Error('its status changes all the time', { cause: error })
    const now = await client.get(pods, name, namespace)
    if (now.metadata.uid === uid) await mark(context, now, tries - 1)
  }
}

/** Who is going already is left alone. */
export const evictFor = async (
  preemptor: Pod,
  victim: Pod,
  node: string,
  context: Omit<EvictingContext, 'log'>,
): Promise<void> => {
  if (victim.metadata.deletionTimestamp !== undefined) return
  const { client, events } = context
  const { uid = '' } = victim.metadata
  try {
    await mark(context, victim)
    await client.delete(pods, victim, { preconditions: { uid } })
  } catch (error) {
    return unlessGone(error)
  }
  const message = `Preempted by pod ${preemptor.metadata.uid ?? ''} on node ${node}`
  events.record(referenceTo(victim), 'Normal', 'Preempted', message)
}
