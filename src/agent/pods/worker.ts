/** Brings one pod in line with what the API wants of it: look, plan, act, and tell the API what came of it. */
import type { Clock } from '../../api/clock.ts'
import { errorText } from '../../api/errors.ts'
import { type EventRecorder, referenceTo } from '../../api/event-recorder.ts'
import { allContainers, ephemeralContainersOf, isFinished } from '../../api/pods.ts'
import type { Pod } from '../../api/types/index.ts'
import type { Outcome } from '../../api/work-queue.ts'
import type { Prober } from '../probes/prober.ts'
import { NoRuntimeError } from '../runtime/choose-runtime.ts'
import { InvalidImageName } from '../runtime/images.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { SandboxRecord } from '../runtime/sandboxes.ts'
import { type Rejection, rejected } from './admission.ts'
import type { BackOff } from './back-off.ts'
import { complaintsOf } from './complaints.ts'
import { hastened, type PodEnding } from './ending.ts'
import type { PostStarts } from './hooks.ts'
import type { ImagePuller } from './image-puller.ts'
import { type ContainerImageView, pullPolicyOf } from './images.ts'
import { type KnownPod, newlyKnown } from './known-pod.ts'
import { type Action, type Plan, planOrphan, planPod, planVanished } from './plan.ts'
import type { PodSandboxes } from './pod-sandboxes.ts'
import { podStatus } from './pod-status.ts'
import { probeTargets } from './probe-targets.ts'
import type { StatusWriter } from './status-writer.ts'
import type { Stopper } from './stopper.ts'
import { unsupportedEphemeral, unsupportedFields } from './unsupported.ts'
import { isRunning, type PodView } from './view.ts'

export interface WorkerDeps {
  readonly sandboxes: Pick<PodSandboxes, 'list'>
  /** What runs the pod, or shall. Throws `NoRuntimeError`. */
  readonly runtimeOf: (pod: Pod, sandbox: SandboxRecord | undefined) => Promise<Runtime>
  readonly puller: Pick<ImagePuller, 'stateOf'>
  readonly prober: Prober
  readonly postStarts: PostStarts
  readonly stopper: Stopper
  readonly statuses: StatusWriter
  readonly events: EventRecorder
  readonly clock: Clock
  readonly backOff: BackOff
  readonly hostIPs: readonly string[]
  /** Whether somebody forwards host ports to pods. */
  readonly hostPorts: boolean
  /** The pod of this uid, if the API has it. */
  readonly podOf: (uid: string) => Pod | undefined
  /** Why the node does not take a pod that it sees for the first time. */
  readonly rejectionOf: (pod: Pod) => Rejection | undefined
  /** What is wrong with the pod's network. */
  readonly networkTrouble: (uid: string) => string | undefined
  readonly act: (action: Action, known: KnownPod) => Promise<void>
}

export interface PodWorker {
  /** For a work queue of uids. */
  reconcile(uid: string): Promise<Outcome>
  /** These were running when the agent was started. */
  adopt(sandboxes: readonly SandboxRecord[]): void
  /** The next turn of this pod, and all after it, end it. */
  end(uid: string, ending: PodEnding): void
  /** It is ended no longer: what has ended of it may start again. */
  spare(uid: string): void
}

/** Sandbox, init containers, containers: a plan that is not at rest after so many rounds waits for its next turn. */
const maxRounds = 8
/** How soon to look again at a container that is being stopped. */
const stoppingLookMs = 2_000

const isStop = (action: Action): boolean => action.do === 'stop-container'

/** Those that do not run, but may be started. */
const waitingOf = (pod: Pod, sandbox: SandboxRecord | undefined) => {
  const latestOf = (name: string) => sandbox?.containers.findLast((each) => each.name === name)
  return [
    ...allContainers(pod).filter(({ name }) => !isRunning(latestOf(name))),
    ...ephemeralContainersOf(pod).filter(({ name }) => !latestOf(name)),
  ]
}

export const createPodWorker = (deps: WorkerDeps): PodWorker => {
  const { sandboxes, puller, prober, postStarts, stopper, statuses, events, clock, podOf, act } = deps
  const all = new Map<string, KnownPod>()
  const adopted = new Set<string>()

  const knownOf = (uid: string): KnownPod => {
    const known = all.get(uid) ?? newlyKnown(uid)
    all.set(uid, known)
    return known
  }

  const forget = (uid: string): void => {
    prober.sync(uid, [])
    statuses.forget(uid)
    all.delete(uid)
  }

  const sandboxOf = async (uid: string): Promise<SandboxRecord | undefined> => {
    const sandbox = (await sandboxes.list()).find(({ id }) => id === uid)
    for (const { id, exit } of sandbox?.containers ?? []) {
      if (!exit) continue
      stopper.forget(id)
      postStarts.forget(id)
      adopted.delete(id)
    }
    return sandbox
  }

  const runtimeOf = (pod: Pod, sandbox: SandboxRecord | undefined): Promise<Runtime | NoRuntimeError> =>
    deps.runtimeOf(pod, sandbox).catch((error: unknown) => {
      if (error instanceof NoRuntimeError) return error
      throw error
    })

  const imagesOf = async (pod: Pod, { uid, sandbox, runtime }: KnownPod): Promise<KnownPod['images']> => {
    const found = new Map<string, ContainerImageView>()
    if (!runtime || runtime instanceof Error || !runtime.capabilities.features.has('images')) return found
    for (const container of waitingOf(pod, sandbox)) {
      const { name, image: reference = '' } = container
      const about = { reference, policy: pullPolicyOf(container), pull: puller.stateOf(uid, reference) }
      try {
        found.set(name, { ...about, found: await runtime.images.find(reference) })
      } catch (error) {
        const why = error instanceof InvalidImageName ? 'invalid' : 'unreadable'
        found.set(name, { ...about, found: undefined, [why]: errorText(error) })
      }
    }
    return found
  }

  /** Looks at what there is of a pod. */
  const look = async (known: KnownPod, pod: Pod): Promise<void> => {
    known.pod = pod
    known.sandbox = await sandboxOf(known.uid)
    known.runtime = await runtimeOf(pod, known.sandbox)
    known.images = await imagesOf(pod, known)
  }

  /** Once for each pod; one that an earlier agent has begun was admitted by it. */
  const admit = (known: KnownPod, pod: Pod): void => {
    if (known.isAdmitted) return
    known.isAdmitted = true
    if (known.sandbox || pod.status?.startTime !== undefined || isFinished(pod)) return
    const rejection = deps.rejectionOf(pod)
    if (!rejection) return
    events.record(referenceTo(pod), 'Warning', rejection.reason, rejection.message)
    known.ending = hastened(known.ending, rejected(rejection))
  }

  const viewOf = (pod: Pod, known: KnownPod): PodView => {
    const { sandbox, runtime, images, failures, lastAddresses, ending } = known
    const chosen = runtime instanceof NoRuntimeError ? undefined : runtime
    const { capabilities } = chosen ?? {}
    const abilities = capabilities && { capabilities, hostPorts: deps.hostPorts }
    return {
      ...{ pod, sandbox, images, failures, lastAddresses, ending, hostIPs: deps.hostIPs },
      runtime: sandbox?.runtime ?? chosen?.name ?? '',
      networkTrouble: deps.networkTrouble(pod.metadata.uid ?? ''),
      probe: prober.result,
      postStart: postStarts.stateOf,
      unsupported: abilities ? unsupportedFields(pod, abilities) : [],
      unsupportedOf: new Map(
        abilities
          ? ephemeralContainersOf(pod).map((each) => [each.name, unsupportedEphemeral(pod, each, abilities)])
          : [],
      ),
    }
  }

  const complain = (view: PodView, plan: Plan, { told }: KnownPod): void => {
    for (const { type, key, reason, message, container } of complaintsOf(view, plan)) {
      if (told.has(key)) continue
      told.add(key)
      events.record(referenceTo(view.pod, container && `spec.containers{${container}}`), type, reason, message)
    }
  }

  /** The API has forgotten the pod; what runs of it is ended all the same. */
  const reconcileGone = async (known: KnownPod): Promise<Outcome> => {
    const { uid, pod } = known
    known.sandbox = await sandboxOf(uid)
    prober.sync(uid, [])
    const plan = pod ? planVanished(viewOf(pod, known)) : known.sandbox && planOrphan(known.sandbox)
    for (const action of plan?.actions ?? []) await act(action, known)
    if (plan?.actions.some(isStop)) return { againInMs: stoppingLookMs }
    forget(uid)
    return 'done'
  }

  const outcomeOf = ({ actions, againAt = Number.POSITIVE_INFINITY }: Plan): Outcome => {
    if (!actions.every(isStop)) return { againInMs: stoppingLookMs }
    const again = actions.some(isStop) ? Math.min(againAt, clock.now() + stoppingLookMs) : againAt
    return Number.isFinite(again) ? { againInMs: Math.max(1, again - clock.now()) } : 'done'
  }

  const reconcilePod = async (known: KnownPod, seen: Pod): Promise<Outcome> => {
    const { uid } = known
    for (let round = 1; ; round++) {
      await look(known, statuses.latest(seen))
      admit(known, seen)
      // What is told is of this look, whatever is done meanwhile.
      const found = { ...known }
      const view = viewOf(found.pod ?? seen, found)
      prober.sync(uid, probeTargets(view, adopted))
      const plan = planPod(view, clock.now(), deps.backOff)
      complain(view, plan, known)
      const report = () => {
        const { lastAddresses } = known
        return statuses.write(seen, (newest) =>
          podStatus(viewOf(newest, { ...found, lastAddresses }), plan, clock.now()),
        )
      }
      const isLast = plan.actions.some((action) => action.do === 'delete-pod')
      // The last words, while there is still something to tell from.
      if (isLast) await report()
      for (const action of plan.actions) await act(action, known)
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
      const known = knownOf(uid)
      const pod = podOf(uid)
      return pod ? reconcilePod(known, pod) : reconcileGone(known)
    },
    end: (uid, ending) => {
      const known = knownOf(uid)
      known.ending = hastened(known.ending, ending)
    },
    spare: (uid) => {
      const known = all.get(uid)
      if (known) known.ending = undefined
    },
    adopt: (sandboxes) => {
      for (const { containers } of sandboxes) for (const { id, exit } of containers) if (!exit) adopted.add(id)
    },
  }
}
