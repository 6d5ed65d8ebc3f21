/** Makes UDP clients forget endpoints that are gone. TCP is never touched: its clients notice by themselves. */
import { type Clock, systemClock } from '../../api/clock.ts'
import { createSyncLoop } from '../../api/sync-loop.ts'
import { isCommandMissing } from '../../host/command.ts'
import type { Connections } from '../../host/conntrack/connections.ts'
import type { Logger } from '../../host/log.ts'
import { doorsOf, staleFlows, type UdpPort } from './stale.ts'

export interface UdpCleanerOptions {
  readonly connections: Pick<Connections, 'list' | 'forget'>
  readonly isServiceAddress: (address: string) => boolean
  /** This node's own addresses, now. */
  readonly ownAddresses: () => ReadonlySet<string>
  readonly onCleaned?: (entries: number, seconds: number) => void
  readonly log: Logger
  readonly clock?: Clock
}

export interface UdpCleaner {
  /** The UDP ports that a Service (or whoever else has ports that lead to pods) has now, in place of those it had. Acted upon after `written`. */
  set(service: string, ports: readonly UdpPort[]): void
  /** The rules of all that was set are in the kernel: new packets go the new way. */
  written(): void
  /** Looks at everything, then runs until `signal` aborts. To be started when all Services are written. */
  run(signal: AbortSignal): Promise<void>
}

/** Bursts of changes are looked at together. */
const minIntervalMs = 200

/** Whether flows may have become stale: more ways and more endpoints make none, but the first endpoint does. */
const mayLeaveStale = (before: readonly UdpPort[], now: readonly UdpPort[]): boolean => {
  const known = new Map(now.flatMap((port) => doorsOf(port).map((door) => [door, port.endpoints] as const)))
  const old = new Map(before.flatMap((port) => doorsOf(port).map((door) => [door, port.endpoints] as const)))
  for (const [door, endpoints] of old)
    if ([...endpoints].some((endpoint) => !known.get(door)?.has(endpoint)) || !known.has(door)) return true
  return [...known].some(([door, endpoints]) => endpoints.size > 0 && (old.get(door)?.size ?? 0) === 0)
}

export const createUdpCleaner = (options: UdpCleanerOptions): UdpCleaner => {
  const { connections, isServiceAddress, ownAddresses, onCleaned, log, clock = systemClock } = options
  const current = new Map<string, readonly UdpPort[]>()
  const next = new Map<string, readonly UdpPort[]>()
  let gone = new Set<string>()
  let isMissing = false

  const clean = async (): Promise<void> => {
    const started = clock.now()
    const taken = gone
    gone = new Set()
    try {
      const ports = [...current.values()].flat()
      const stale = staleFlows(await connections.list(), {
        ...{ ports, gone: taken, isServiceAddress },
        ownAddresses: ownAddresses(),
      })
      const count = stale.length === 0 ? 0 : await connections.forget(stale)
      if (count > 0) log.info({ count }, 'deleted stale UDP conntrack entries')
      onCleaned?.(count, (clock.now() - started) / 1000)
    } catch (error) {
      for (const door of taken) gone.add(door)
      if (!isCommandMissing(error)) throw error
      if (!isMissing) log.warn('the program conntrack is missing: UDP clients may go on talking to pods that are gone')
      isMissing = true
    }
  }

  const loop = createSyncLoop({
    sync: clean,
    minIntervalMs,
    resyncMs: 3_600_000,
    clock,
    onError: (error, retryInMs) => log.warn({ err: error, retryInMs }, 'cannot look after UDP connections'),
  })

  /** Takes over what was set; true when flows may be stale. */
  const advance = (): boolean => {
    let isDirty = false
    for (const [service, ports] of next) {
      const before = current.get(service) ?? []
      isDirty ||= mayLeaveStale(before, ports)
      const kept = new Set(ports.flatMap(doorsOf))
      for (const door of before.flatMap(doorsOf)) if (!kept.has(door)) gone.add(door)
      if (ports.length > 0) current.set(service, ports)
      else current.delete(service)
    }
    next.clear()
    return isDirty
  }

  return {
    set: (service, ports) => {
      if (ports.length > 0 || current.has(service) || next.has(service)) next.set(service, ports)
    },
    written: () => {
      if (next.size > 0 && advance()) loop.mark('')
    },
    run: (signal) => loop.run(signal),
  }
}
