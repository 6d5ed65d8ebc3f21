/** Brings one pod in line with what the API wants of it: look, plan, act, and tell the API what came of it. */
import type { Clock } from '../../api/clock.ts'
import { type EventRecorder, referenceTo } from '../../api/event-recorder.ts'
import type { Pod } from '../../api/types/index.ts'
import type { Outcome } from '../../api/work-queue.ts'
import type { Prober } from '../probes/prober.ts'
import type { Runtime, SandboxRecord } from '../runtime/runtime.ts'
import type { PodMemory, Subject } from './actions.ts'
import type { BackOff } from './back-off.ts'
import { complaintsOf } from './complaints.ts'
import type { PostStarts } from './hooks.ts'
import { type Action, type Plan, planOrphan, planPod, planVanished } from './plan.ts'
import { podStatus } from './pod-status.ts'
import { probeTargets } from './probe-targets.ts'
import type { StatusWriter } from './status-writer.ts'
import type { Stopper } from './stopper.ts'
import { type Abilities, unsupportedFields } from './unsupported.ts'
import type { PodView } from './view.ts'

export interface WorkerDeps {
  readonly runtime: Runtime
  readonly prober: Prober
  readonly postStarts: PostStarts
  readonly stopper: Stopper
  readonly statuses: StatusWriter
  readonly events: EventRecorder
  readonly clock: Clock
  readonly backOff: BackOff
  readonly hostIPs: readonly string[]
  readonly abilities: Abilities
  /** The pod of this uid, if the API has it. */
  readonly podOf: (uid: string) => Pod | undefined
  /** What is wrong with the pod's network. */
  readonly networkTrouble: (uid: string) => string | undefined
  readonly act: (action: Action, subject: Subject) => Promise<void>
}

export interface PodWorker {
  /** For a work queue of uids. */
  reconcile(uid: string): Promise<Outcome>
  /** These were running when the agent was started. */
  adopt(sandboxes: readonly SandboxRecord[]): void
}

interface Memory extends PodMemory {
  /** For the day the API has forgotten the pod. */
  lastSeen: Pod | undefined
  /** Keys of the complaints that were made. */
  readonly told: Set<string>
}

/** Sandbox, init containers, containers: a plan that is not at rest after so many rounds waits for its next turn. */
const maxRounds = 8
/** How soon to look again at a container that is being stopped. */
const stoppingLookMs = 2_000

const isStop = (action: Action): boolean => action.do === 'stop-container'

export const createPodWorker = (deps: WorkerDeps): PodWorker => {
  const { runtime, prober, postStarts, stopper, statuses, events, clock, podOf, act } = deps
  const memories = new Map<string, Memory>()
  const adopted = new Set<string>()

  const remember = (uid: string): Memory => {
    const fresh = {
      ...{ addresses: undefined, lastAddresses: undefined, lastSeen: undefined },
      ...{ troubles: new Map(), told: new Set<string>() },
    }
    const memory: Memory = memories.get(uid) ?? fresh
    memories.set(uid, memory)
    return memory
  }

  const forget = (uid: string): void => {
    prober.sync(uid, [])
    statuses.forget(uid)
    memories.delete(uid)
  }

  const sandboxOf = async (uid: string): Promise<SandboxRecord | undefined> => {
    const sandbox = (await runtime.list()).find(({ id }) => id === uid)
    for (const { id, exit } of sandbox?.containers ?? []) {
      if (!exit) continue
      stopper.forget(id)
      postStarts.forget(id)
      adopted.delete(id)
    }
    return sandbox
  }

  const viewOf = (pod: Pod, sandbox: SandboxRecord | undefined, memory: Memory): PodView => ({
    ...{ pod, sandbox, addresses: memory.addresses, lastAddresses: memory.lastAddresses },
    ...{ troubles: memory.troubles, hostIPs: deps.hostIPs },
    networkTrouble: deps.networkTrouble(pod.metadata.uid ?? ''),
    probe: prober.result,
    postStart: postStarts.stateOf,
    unsupported: unsupportedFields(pod, deps.abilities),
  })

  const complain = (view: PodView, plan: Plan, { told }: Memory): void => {
    for (const { key, reason, message, container } of complaintsOf(view, plan)) {
      if (told.has(key)) continue
      told.add(key)
      events.record(referenceTo(view.pod, container && `spec.containers{${container}}`), 'Warning', reason, message)
    }
  }

  /** The API has forgotten the pod; what runs of it is ended all the same. */
  const reconcileGone = async (uid: string, memory: Memory): Promise<Outcome> => {
    const sandbox = await sandboxOf(uid)
    const pod = memory.lastSeen
    prober.sync(uid, [])
    const plan = pod ? planVanished(viewOf(pod, sandbox, memory)) : sandbox && planOrphan(sandbox)
    for (const action of plan?.actions ?? []) await act(action, { uid, pod, sandbox, memory })
    if (plan?.actions.some(isStop)) return { againInMs: stoppingLookMs }
    forget(uid)
    return 'done'
  }

  const outcomeOf = ({ actions, againAt = Number.POSITIVE_INFINITY }: Plan): Outcome => {
    if (!actions.every(isStop)) return { againInMs: stoppingLookMs }
    const again = actions.some(isStop) ? Math.min(againAt, clock.now() + stoppingLookMs) : againAt
    return Number.isFinite(again) ? { againInMs: Math.max(1, again - clock.now()) } : 'done'
  }

  const reconcilePod = async (uid: string, seen: Pod, memory: Memory): Promise<Outcome> => {
    for (let round = 1; ; round++) {
      const pod = statuses.latest(seen)
      const sandbox = await sandboxOf(uid)
      const view = viewOf(pod, sandbox, memory)
      prober.sync(uid, probeTargets(view, adopted))
      const plan = planPod(view, clock.now(), deps.backOff)
      complain(view, plan, memory)
      const report = () =>
        statuses.write(seen, (newest) => podStatus(viewOf(newest, sandbox, memory), plan, clock.now()))
      const isLast = plan.actions.some((action) => action.do === 'delete-pod')
      // The last words, while there is still something to tell from.
      if (isLast) await report()
      for (const action of plan.actions) await act(action, { uid, pod, sandbox, memory })
      if (isLast) {
        forget(uid)
        return 'done'
      }
      if (plan.actions.every(isStop) || round === maxRounds) {
        await report()
        return outcomeOf(plan)
      }
    }
  }

  return {
    reconcile: async (uid) => {
      const memory = remember(uid)
      const pod = podOf(uid)
      if (!pod) return reconcileGone(uid, memory)
      memory.lastSeen = pod
      return reconcilePod(uid, pod, memory)
    },
    adopt: (sandboxes) => {
      for (const { containers } of sandboxes) for (const { id, exit } of containers) if (!exit) adopted.add(id)
    },
  }
}
