/**
 * Ends the pods of a machine that is about to stop, in order: regular ones first, then critical ones. Until that is called off, the
 * node takes no pods and is not ready. What is asked is in a file, so an agent that is killed meanwhile goes on where it was.
 */
import { type Clock, sleep } from '../../api/clock.ts'
import { errorText } from '../../api/errors.ts'
import type { Pod } from '../../api/types/index.ts'
import type { Logger } from '../../host/log.ts'
import type { Rejection } from '../pods/admission.ts'
import { isCritical } from '../pods/critical.ts'
import type { PodEnding } from '../pods/ending.ts'
import type { ShutdownProgress, ShutdownRequest } from './request.ts'

export interface NodeShutdownOptions {
  readonly read: () => Promise<ShutdownRequest | undefined>
  /** It has begun, or was called off. */
  readonly onChange: (isActive: boolean) => void
  /** Told of every change: when nothing of any pod runs any longer, it is over. */
  readonly onProgress: (progress: ShutdownProgress) => Promise<void>
  readonly clock: Clock
  readonly log: Logger
}

/** The pods of the node, as long as it has any. */
export interface EndingPods {
  /** Those that have not ended. */
  readonly pods: () => readonly Pod[]
  /** Those of which something runs, whoever knows them: `namespace/name`, by uid. */
  readonly running: () => Promise<ReadonlyMap<string, string>>
  readonly end: (uid: string, ending: PodEnding) => void
}

export interface NodeShutdown {
  /** Why the node takes no pods now. */
  rejection(): Rejection | undefined
  /** What keeps the node from being ready. */
  problems(): readonly string[]
  /** Looks once. */
  look(): Promise<void>
  /** Looks until `signal` aborts. */
  run(ending: EndingPods, signal: AbortSignal): Promise<void>
}

const lookMs = 500

const ending = {
  ...{ reason: 'Terminated', message: 'Pod was terminated in response to imminent node shutdown.', isDisruption: true },
} as const

const notAdmitted: Rejection = { reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' }

const uidOf = ({ metadata }: Pod): string => metadata.uid ?? ''

export const createNodeShutdown = ({ read, onChange, onProgress, clock, log }: NodeShutdownOptions): NodeShutdown => {
  let current: ShutdownRequest | undefined
  /** When the turn of critical pods came. */
  let criticalFrom: number | undefined
  const asked = new Set<string>()
  /** What was told last. */
  let told = ''

  const look = async (): Promise<void> => {
    const before = current
    current = await read()
    if ((before === undefined) === (current === undefined)) return
    criticalFrom = undefined
    asked.clear()
    told = ''
    if (current) log.warn({ ...current }, 'the node is shutting down: its pods are ended, and new ones refused')
    else log.warn('the shutdown of the node was called off')
    onChange(current !== undefined)
  }

  const endAll = (pods: readonly Pod[], until: number, end: EndingPods['end']): void => {
    const graceMs = Math.max(0, until - clock.now())
    for (const uid of pods.map(uidOf)) {
      if (asked.has(uid)) continue
      asked.add(uid)
      end(uid, { ...ending, graceMs })
    }
  }

  const tell = async (progress: ShutdownProgress): Promise<void> => {
    const text = JSON.stringify(progress)
    if (text === told) return
    await onProgress(progress)
    told = text
  }

  const step = async ({ startedAt, graceMs, criticalMs }: ShutdownRequest, of: EndingPods): Promise<void> => {
    const all = of.pods()
    const regular = all.filter((pod) => !isCritical(pod))
    const regularUntil = startedAt + graceMs - criticalMs
    const endCritical = (): void => {
      criticalFrom ??= clock.now()
      endAll(all.filter(isCritical), criticalFrom + criticalMs, of.end)
    }
    endAll(regular, regularUntil, of.end)
    // Their time has come, whether or not anybody can tell what runs.
    if (criticalFrom !== undefined || clock.now() >= regularUntil) endCritical()
    const running = await of.running()
    if (!regular.some((pod) => running.has(uidOf(pod)))) endCritical()
    await tell({ startedAt, running: [...running.values()].sort() })
  }

  return {
    rejection: () => (current ? notAdmitted : undefined),
    problems: () => (current ? ['node is shutting down'] : []),
    look,
    run: async (of, signal) => {
      let failure = ''
      while (!signal.aborted) {
        try {
          await look()
          if (current) await step(current, of)
          failure = ''
        } catch (error) {
          const why = errorText(error)
          if (why !== failure) log.error({ err: error }, 'cannot look after the shutdown of the node; trying again')
          failure = why
        }
        await sleep(lookMs, signal, clock)
      }
    },
  }
}
