/**
 * Keeps the links of pods as they were made. The node's ends are looked at together, in one question; a pod's end when the
 * kernel tells of a change there, and each of them in turn from time to time.
 */
import { type Clock, systemClock } from '../api/clock.ts'
import { createSyncLoop } from '../api/sync-loop.ts'
import type { CommandRunner } from '../host/command.ts'
import { createIpMonitor } from '../host/ip-monitor.ts'
import { createIproute, type Iproute } from '../host/iproute.ts'
import type { Logger } from '../host/log.ts'
import { namespaceIdentity } from '../host/namespaces.ts'
import { showLinks } from './kernel-view.ts'
import { lostLink } from './link-faults.ts'
import { linkName, type PodLinks, type PodOnLink } from './pod-links.ts'

export interface LinkKeeperOptions {
  readonly runner: CommandRunner
  /** Tells of links; its answers may be a little old. */
  readonly iproute: Iproute
  readonly links: PodLinks
  readonly log: Logger
  readonly clock?: Clock
  readonly resyncMs: number
}

/** Pods whose link is damaged and cannot be put back. */
export interface LinkTroubles {
  of(id: string): string | undefined
  /** Calls `listener` with the pod's id whenever the answer for it has changed. */
  onChange(listener: (id: string) => void): void
}

export interface LinkKeeper {
  /** The same, remembered: what is attached is kept whole until it is detached. */
  readonly links: PodLinks
  readonly troubles: LinkTroubles
  /** Looks at all of the node's ends at once, not only when it is time to. */
  look(): void
  /** Runs until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>
}

interface Kept {
  readonly pod: PodOnLink
  /** Tells its network namespace from another one of the same name. */
  readonly identity: string | undefined
}

/** Each pod's end is looked at once in so many rounds, whatever the kernel tells. */
const rounds = 24
/** Changes in pods come in bursts. */
const minIntervalMs = 500

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export const createLinkKeeper = (options: LinkKeeperOptions): LinkKeeper => {
  const { runner, iproute, links, log, clock = systemClock, resyncMs } = options
  const fresh = createIproute(runner)
  const kept = new Map<string, Kept>()
  const troubles = new Map<string, string>()
  const listeners: ((id: string) => void)[] = []
  const busy = new Map<string, Promise<unknown>>()
  /** Which pod a namespace's number stands for. */
  let pods: ReadonlyMap<number, string> = new Map()
  const changed = new Set<string>()
  /** Those whose turn comes next, the first first. */
  let turn: readonly string[] = []

  /** What is done to one link is done one after another. */
  const alone = <T>(id: string, work: () => Promise<T>): Promise<T> => {
    const mine = (busy.get(id) ?? Promise.resolve()).catch(() => undefined).then(work)
    busy.set(id, mine)
    const done = () => void (busy.get(id) === mine && busy.delete(id))
    mine.then(done, done)
    return mine
  }

  const setTrouble = (id: string, trouble: string | undefined): void => {
    if (troubles.get(id) === trouble) return
    if (trouble === undefined) troubles.delete(id)
    else troubles.set(id, trouble)
    for (const tell of listeners) tell(id)
  }

  /** A namespace that is gone takes its link with it: whoever runs the pod will say what becomes of it. */
  const isThere = async ({ pod, identity }: Kept): Promise<boolean> =>
    identity !== undefined && (await namespaceIdentity(pod.netns)) === identity

  const restore = async (known: Kept, faults: readonly string[]): Promise<void> => {
    const { pod } = known
    if (kept.get(pod.id) !== known || !(await isThere(known))) return
    const damage = faults.join('; ')
    try {
      await links.attach(pod)
      log.warn({ pod: pod.id, addresses: pod.addresses, damage }, 'link of a pod was damaged; put back')
      setTrouble(pod.id, undefined)
    } catch (error) {
      const cure = 'see podway doctor on its node'
      log.error({ err: error, pod: pod.id, damage, cure }, 'link of a pod is damaged and cannot be put back')
      setTrouble(pod.id, `the pod's network is damaged (${damage}) and cannot be put back: ${messageOf(error)}`)
    }
  }

  /** Looks at the pod's own end. */
  const lookInside = (id: string): Promise<void> =>
    alone(id, async () => {
      const known = kept.get(id)
      if (!known || !(await isThere(known))) return
      const faults = await links.faults(known.pod).catch((error: unknown) => [messageOf(error)])
      if (faults.length > 0) await restore(known, faults)
      else setTrouble(id, undefined)
    })

  /** Looks at all of the node's ends; answers with the pods whose own end needs a look. */
  const lookOutside = async (): Promise<void> => {
    const all = new Map((await showLinks(iproute)).map((link) => [link.name, link]))
    const numbers = new Map<number, string>()
    for (const [id, known] of [...kept]) {
      const link = all.get(linkName(id))
      if (link?.namespace !== undefined) numbers.set(link.namespace, id)
      const faults = lostLink(link, id)
      // What was told may be older than the link.
      if (faults.length > 0) await lookAgain(known, faults)
    }
    pods = numbers
  }

  const lookAgain = (known: Kept, faults: readonly string[]): Promise<void> =>
    alone(known.pod.id, async () => {
      const all = await showLinks(fresh)
      const { id } = known.pod
      const link = all.find(({ name }) => name === linkName(id))
      if (lostLink(link, id).length > 0) await restore(known, faults)
    })

  const nextInTurn = (): readonly string[] => {
    const waiting = turn.filter((id) => kept.has(id))
    turn = waiting.length > 0 ? waiting : [...kept.keys()]
    const count = Math.ceil(kept.size / rounds)
    const now = turn.slice(0, count)
    turn = turn.slice(count)
    return now
  }

  const loop = createSyncLoop({
    ...{ resyncMs, onBeat: true, minIntervalMs, clock },
    sync: async (dirty) => {
      monitor.ensure()
      const ids = new Set(changed)
      changed.clear()
      if (dirty === 'all') {
        await lookOutside()
        for (const id of nextInTurn()) ids.add(id)
      }
      for (const id of ids) await lookInside(id)
    },
    onError: (error, retryInMs) => log.warn({ err: error, retryInMs }, 'cannot look at the links of pods'),
  })
  // Each namespace has the number by which our links name it (`link_netnsid`); ours has none.
  const monitor = createIpMonitor(runner, 'link address route all-nsid', (line) => {
    const id = pods.get(Number(/^\[nsid (\d+)\]/.exec(line)?.[1] ?? Number.NaN))
    if (id === undefined) return
    changed.add(id)
    loop.mark(id)
  })

  return {
    links: {
      ...links,
      attach: (pod) =>
        alone(pod.id, async () => {
          await links.attach(pod)
          kept.set(pod.id, { pod, identity: await namespaceIdentity(pod.netns) })
          setTrouble(pod.id, undefined)
        }),
      detach: (id) => {
        kept.delete(id)
        return alone(id, async () => {
          await links.detach(id)
          setTrouble(id, undefined)
        })
      },
    },
    troubles: {
      of: (id) => troubles.get(id),
      onChange: (listener) => void listeners.push(listener),
    },
    look: loop.markAll,
    run: async (signal) => {
      await loop.run(signal)
      monitor.close()
    },
  }
}
