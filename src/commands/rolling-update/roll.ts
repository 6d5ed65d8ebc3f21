/** One controller grows while the other shrinks, a pod at a time. Where it stands is what both are asked to have. */
import { type Clock, sleep } from '../../api/clock.ts'
import type { ReplicationController } from '../../api/types/kubernetes/core-v1.ts'
import { counted } from '../../host/counted.ts'
import type { Controllers } from './controllers.ts'
import { type Counts, mostPods, scaledDown, scaledUp } from './pace.ts'

export interface Roll {
  readonly controllers: Controllers
  readonly clock: Clock
  say(line: string): void
  /** What is waited after a pod was added. */
  readonly periodMs: number
  readonly pollMs: number
  /** For so long nothing may have to be done. */
  readonly timeoutMs: number
}

const replicasOf = ({ spec }: ReplicationController): number => spec.replicas ?? 1

const scale = async ({ controllers, say }: Roll, name: string, replicas: number, way: 'up' | 'down') => {
  say(`Scaling ${name} ${way} to ${replicas}`)
  await controllers.patch(name, { spec: { replicas } })
  await controllers.settled(name)
}

/** Until `growing` has as many pods as desired, and `shrinking` has none; resolves to the first. */
export const roll = async (
  options: Roll,
  growing: string,
  shrinking: string,
  desired: number,
): Promise<ReplicationController> => {
  const { controllers, clock, say, periodMs, pollMs, timeoutMs } = options
  const look = async () => {
    const [next, old] = await Promise.all([controllers.get(growing), controllers.get(shrinking)])
    const counts: Counts = { desired, old: replicasOf(old), next: replicasOf(next) }
    return { next, counts }
  }
  const { counts: first } = await look()
  say(
    `Scaling up ${growing} from ${first.next} to ${desired}, scaling down ${shrinking} from ${first.old} to 0 ` +
      `(keep ${counted(desired, 'pod')} available, don't exceed ${counted(mostPods(first), 'pod')})`,
  )
  let deadline = clock.now() + timeoutMs
  for (;;) {
    const { next, counts } = await look()
    if (counts.next === desired && counts.old === 0) {
      // Whoever asked for this may have been interrupted before it was done.
      await controllers.settled(shrinking)
      return controllers.settled(growing)
    }
    const up = scaledUp(counts)
    if (up !== counts.next) {
      await scale(options, growing, up, 'up')
      await sleep(periodMs, undefined, clock)
    }
    const down = counts.old === 0 ? 0 : scaledDown({ ...counts, next: up }, await controllers.available(next))
    if (down !== counts.old) await scale(options, shrinking, down, 'down')
    if (up !== counts.next || down !== counts.old) deadline = clock.now() + timeoutMs
    else if (clock.now() >= deadline) throw new Error('timed out waiting for any update progress to be made')
    else await sleep(pollMs, undefined, clock)
  }
}
