/** Looks from time to time whether the node runs short of something, or a pod of its limits, and evicts pods that must go. */
import { type Clock, sleep } from '../../api/clock.ts'
import { type EventRecorder, referenceTo } from '../../api/event-recorder.ts'
import { objectKey } from '../../api/resources.ts'
import type { ObjectReference, Pod } from '../../api/types/index.ts'
import type { Logger } from '../../host/log.ts'
import { isCritical } from '../pods/critical.ts'
import type { PodEnding } from '../pods/ending.ts'
import { type Observations, type Pressure, type StarvedResource, signals } from '../pressure/signals.ts'
import { evictedReason } from '../pressure/words.ts'
import { type DueThreshold, decide, type EvictionRules, firstState } from './decide.ts'
import { starvedMessage } from './messages.ts'
import { type PodUsage, ranked } from './rank.ts'
import { hasStorageLimit, type PodStorage, storageExcess } from './storage-limits.ts'

export interface EvictionSettings extends EvictionRules {
  /** The most that a pod gets for its end when it goes for a soft threshold. */
  readonly maxPodGraceMs: number
}

/** What the node has, and what its pods take of it. */
export interface EvictionSources {
  observe(): Promise<Observations>
  /** What the pods that may be evicted take of this. */
  usages(resource: StarvedResource): Promise<readonly PodUsage[]>
  /** What one pod has on the disk. */
  storageOf(pod: Pod): Promise<PodStorage>
  /** Removes what nobody needs from the disk. */
  reclaimDisk(): Promise<void>
}

export interface EvictionOptions {
  readonly settings: EvictionSettings
  readonly sources: EvictionSources
  /** Those that have neither ended nor been asked to. */
  readonly pods: () => readonly Pod[]
  readonly end: (uid: string, ending: PodEnding) => void
  /** The node in Events. */
  readonly node: ObjectReference
  readonly events: Pick<EventRecorder, 'record'>
  readonly onChange: () => void
  readonly clock: Clock
  readonly log: Logger
}

export interface EvictionManager {
  /** What the node is short of now. */
  pressures(): ReadonlySet<Pressure>
  /** Looks once. Rejects when there is nothing to be seen. */
  look(): Promise<void>
  /** Looks from time to time until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>
}

const lookEveryMs = 10_000
/** While a pod is ending, to see whether that was enough. */
const endLookMs = 1_000
/** For a pod that has to go at once: long enough for it to be asked. */
const shortestGraceMs = 1_000
/** A pod that goes makes room: for so long the next one waits for its end. */
const endMs = 30_000
/** To measure what is on a disk costs the disk's time: at most one part in so many of it. */
const measuringShare = 20

const transitions: Readonly<Record<Pressure, readonly [begins: string, ends: string]>> = {
  MemoryPressure: ['NodeHasInsufficientMemory', 'NodeHasSufficientMemory'],
  DiskPressure: ['NodeHasDiskPressure', 'NodeHasNoDiskPressure'],
  PIDPressure: ['NodeHasInsufficientPID', 'NodeHasSufficientPID'],
}

const isOfDisk = ({ threshold }: DueThreshold): boolean => signals[threshold.signal].condition === 'DiskPressure'

export const createEvictionManager = (options: EvictionOptions): EvictionManager => {
  const { settings, sources, pods, node, events, clock, log } = options
  let state = firstState
  let pressures: ReadonlySet<Pressure> = new Set()
  /** Until when the end of a pod is waited for, by uid. */
  const ending = new Map<string, number>()
  let measureAt = 0
  let relievingDisk: Promise<void> | undefined

  const tellNode = (type: 'Normal' | 'Warning', reason: string, message: string): void =>
    events.record(node, type, reason, message)

  const evict = (pod: Pod, message: string, graceMs: number): void => {
    const { uid = '' } = pod.metadata
    log.warn({ pod: objectKey(pod), reason: message }, 'evicting a pod')
    events.record(referenceTo(pod), 'Warning', evictedReason, message)
    ending.set(uid, clock.now() + graceMs + endMs)
    options.end(uid, { reason: evictedReason, message, graceMs, isDisruption: true })
  }

  const setPressures = (next: ReadonlySet<Pressure>): void => {
    const changed = [...new Set([...next, ...pressures])].filter((each) => next.has(each) !== pressures.has(each))
    pressures = next
    for (const pressure of changed) {
      const [begins, ends] = transitions[pressure]
      const reason = next.has(pressure) ? begins : ends
      tellNode('Normal', reason, `Node ${node.name} status is now: ${reason}`)
    }
    if (changed.length > 0) options.onChange()
  }

  const observe = async () => {
    const observations = await sources.observe()
    const decision = decide(settings, state, observations, clock.now())
    state = decision.state
    setPressures(decision.pressures)
    return decision
  }

  const forgetGone = (): void => {
    const left = new Set(pods().map(({ metadata }) => metadata.uid))
    for (const uid of ending.keys()) if (!left.has(uid)) ending.delete(uid)
  }

  /** Those whose end is still waited for. */
  const stillEnding = (): boolean => {
    for (const [uid, until] of ending) if (clock.now() >= until) ending.delete(uid)
    return ending.size > 0
  }

  /** To measure what they take may have taken long: who is gone or ending by then is not to blame any more. */
  const evictFor = async (due: DueThreshold): Promise<void> => {
    const { threshold } = due
    const { resource } = signals[threshold.signal]
    const usages = await sources.usages(resource)
    forgetGone()
    if (stillEnding()) return
    const left = new Set(pods().map(({ metadata }) => metadata.uid))
    const [usage] = ranked(
      usages.filter(({ pod }) => left.has(pod.metadata.uid)),
      resource,
    )
    if (!usage) return log.error({ resource }, 'the node is short of it, and no pod is left that may be evicted')
    evict(usage.pod, starvedMessage(due, usage), threshold.graceMs === 0 ? shortestGraceMs : settings.maxPodGraceMs)
  }

  const tellShort = ({ threshold, observation }: DueThreshold): void => {
    log.warn({ ...observation, signal: threshold.signal }, 'the node runs short: reclaiming')
    tellNode('Warning', 'EvictionThresholdMet', `Attempting to reclaim ${signals[threshold.signal].resource}`)
  }

  const relieveDisk = async (due: DueThreshold): Promise<void> => {
    try {
      tellShort(due)
      await sources.reclaimDisk()
      const left = (await observe()).due.find(isOfDisk)
      if (left) await evictFor(left)
    } catch (error) {
      log.error({ err: error }, 'cannot make room on the disk; trying again')
    }
  }

  /** What takes long on a busy disk goes on beside the looks. */
  const relieve = async (): Promise<void> => {
    const { due } = await observe()
    forgetGone()
    const found = due.find((each) => !isOfDisk(each))
    if (found && !stillEnding()) {
      tellShort(found)
      await evictFor(found)
    }
    const ofDisk = due.find(isOfDisk)
    if (!ofDisk || stillEnding()) return
    relievingDisk ??= relieveDisk(ofDisk).finally(() => {
      relievingDisk = undefined
    })
  }

  /** One whose volumes cannot be measured stops no other. */
  const checkStorage = async (pod: Pod): Promise<void> => {
    try {
      if (!hasStorageLimit(pod)) return
      const excess = storageExcess(pod, await sources.storageOf(pod))
      if (excess !== undefined && !isCritical(pod)) evict(pod, excess, shortestGraceMs)
    } catch (error) {
      log.warn({ err: error, pod: objectKey(pod) }, 'cannot measure what a pod has on the disk; trying again')
    }
  }

  const checkStorages = async (): Promise<void> => {
    if (clock.now() < measureAt) return
    const began = clock.now()
    for (const pod of pods()) if (!ending.has(pod.metadata.uid ?? '')) await checkStorage(pod)
    measureAt = clock.now() + measuringShare * (clock.now() - began)
  }

  const repeat = async (work: () => Promise<void>, everyMs: () => number, signal: AbortSignal): Promise<void> => {
    let failure = ''
    while (!signal.aborted) {
      try {
        await work()
        failure = ''
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        if (why !== failure) log.error({ err: error }, 'cannot look after what the node has left; trying again')
        failure = why
      }
      await sleep(everyMs(), signal, clock)
    }
  }

  return {
    look: async () => {
      await checkStorages()
      await relieve()
      await relievingDisk
    },
    pressures: () => pressures,
    run: async (signal) => {
      const soon = (): number => (ending.size > 0 ? endLookMs : lookEveryMs)
      // A node out of memory does not wait for its disk.
      await Promise.all([repeat(relieve, soon, signal), repeat(checkStorages, () => lookEveryMs, signal)])
      await relievingDisk
    },
  }
}
