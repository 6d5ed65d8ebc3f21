/** Makes room for pods: tells less important ones, and deletes them as anybody would, with their time to end. */
import type { Client } from '../../api/client.ts'
import { type Clock, formatTime } from '../../api/clock.ts'
import { isConflict, isNotFound } from '../../api/errors.ts'
import { type EventRecorder, referenceTo } from '../../api/event-recorder.ts'
import { pods } from '../../api/resources.ts'
import type { Condition, Pod } from '../../api/types/index.ts'
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

/** Beside what the agent writes there in the same moment. */
const mark = async (client: Client, victim: Pod, condition: Condition, tries = mostTries): Promise<void> => {
  const { name, namespace, uid, resourceVersion } = victim.metadata
  const others = (victim.status?.conditions ?? []).filter(({ type }) => type !== condition.type)
  const status = { conditions: [...others, condition] }
  try {
    await client.patch(pods, victim, { metadata: { uid, resourceVersion }, status }, 'status')
  } catch (error) {
    if (!isConflict(error) || tries === 1) throw error
    const now = await client.get(pods, name, namespace)
    if (now.metadata.uid === uid) await mark(client, now, condition, tries - 1)
  }
}

/** Who is going already is left alone. */
export const evictFor = async (
  preemptor: Pod,
  victim: Pod,
  node: string,
  { client, clock, events, schedulerName }: Omit<EvictingContext, 'log'>,
): Promise<void> => {
  if (victim.metadata.deletionTimestamp !== undefined) return
  const { uid = '' } = victim.metadata
  const condition: Condition = {
    ...{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' },
    message: `${schedulerName}: preempting to accommodate a higher priority pod`,
    lastTransitionTime: formatTime(clock.now()),
  }
  try {
    await mark(client, victim, condition)
    await client.delete(pods, victim, { preconditions: { uid } })
  } catch (error) {
    return unlessGone(error)
  }
  const message = `Preempted by pod ${preemptor.metadata.uid ?? ''} on node ${node}`
  events.record(referenceTo(victim), 'Normal', 'Preempted', message)
}
