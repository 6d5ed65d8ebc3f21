/** One of several processes at a time does what only one may do: whoever holds a Lease. */
import type { Client } from '../api/client.ts'
import { type Clock, sleep, systemClock } from '../api/clock.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../api/errors.ts'
import { createInformer } from '../api/informer.ts'
import { leases } from '../api/resources.ts'
import type { Lease } from '../api/types/index.ts'
import type { Logger } from '../host/log.ts'
import { claim, type LeaseRecord, released, remainingMs, type Sighting, sight } from './lease-record.ts'

export interface LeaderElectionTimes {
  /** A holder that does not renew for so long has lost it to whoever asks. */
  readonly durationMs: number
  /** A holder that cannot renew for so long stops working: before others may begin. */
  readonly renewWithinMs: number
  readonly renewEveryMs: number
}

/** Another process begins within 15 seconds of the end of one that had no time to say so. */
export const leaderElectionTimes: LeaderElectionTimes = {
  durationMs: 10_000,
  renewWithinMs: 7_000,
  renewEveryMs: 2_000,
}

/** Where nobody else can be: it is only shown. */
export const soleTimes: LeaderElectionTimes = { durationMs: 60_000, renewWithinMs: 50_000, renewEveryMs: 20_000 }

export interface LeaderElectionOptions {
  readonly client: Client
  readonly clock?: Clock
  readonly log: Logger
  /** The Lease. */
  readonly name: string
  /** Where the Lease is; kube-system when missing. */
  readonly namespace?: string
  /** Who this is; no two processes have the same. */
  readonly identity: string
  /** Nobody else can be at work on this store: what the Lease says is what an earlier life has left. */
  readonly isSole?: boolean
  readonly times?: LeaderElectionTimes
}

/** Somebody else was faster, or the Lease is not there: the next look tells more. */
const isRace = (error: unknown): boolean => isConflict(error) || isAlreadyExists(error) || isNotFound(error)

/**
 * Calls `lead` whenever the Lease becomes ours, with a signal that ends when it is lost, and waits for it to return before
 * anything else. Runs until `signal` aborts, or rejects when `lead` does; the Lease is given back in either case.
 */
export const runWithLeaderElection = async (
  options: LeaderElectionOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> => {
  const { client, clock = systemClock, log, name, namespace = 'kube-system', identity, isSole = false } = options
  const { times = isSole ? soleTimes : leaderElectionTimes } = options
  const durationSeconds = times.durationMs / 1000
  /** Wakes who waits for the Lease of another. */
  let changed = Promise.withResolvers<void>()
  let sighting: Sighting | undefined

  const read = async (): Promise<Lease | undefined> => {
    try {
      return await client.get(leases, name, namespace)
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  const write = async (found: Lease | undefined, spec: LeaseRecord): Promise<boolean> => {
    try {
      if (found) await client.update(leases, { ...found, spec })
      else await client.create(leases, { metadata: { name, namespace }, spec })
      return true
    } catch (error) {
      if (isRace(error)) return false
      throw error
    }
  }

  /** Resolves to whether it is ours now, and otherwise how long to wait. */
  const tryOnce = async (): Promise<{ readonly isOurs: boolean; readonly waitMs: number }> => {
    const found = await read()
    const record = found?.spec
    sighting = sight(sighting, record, clock.now())
    const isOurs = record?.holderIdentity === identity
    const waitMs = isOurs || isSole ? 0 : remainingMs(sighting, record, clock.now())
    if (waitMs > 0) return { isOurs: false, waitMs }
    return {
      isOurs: await write(found, claim(identity, durationSeconds, record, clock.now())),
      waitMs: times.renewEveryMs / 10,
    }
  }

  const acquire = async (): Promise<void> => {
    while (!signal.aborted) {
      changed = Promise.withResolvers()
      let waitMs = times.renewEveryMs
      try {
        const tried = await tryOnce()
        if (tried.isOurs) return
        waitMs = Math.max(tried.waitMs, times.renewEveryMs / 10)
      } catch (error) {
        log.warn({ err: error, lease: name }, 'cannot look who leads; trying again')
      }
      await Promise.race([changed.promise, sleep(waitMs, signal, clock)])
    }
  }

  /** Resolves when the Lease is lost, or `term` aborts. */
  const keep = async (term: AbortSignal): Promise<void> => {
    let renewedAt = clock.now()
    while (!term.aborted) {
      await sleep(times.renewEveryMs, term, clock)
      if (term.aborted) return
      const startedAt = clock.now()
      try {
        const left = Math.max(0, renewedAt + times.renewWithinMs - startedAt)
        const tried = await Promise.race([tryOnce(), sleep(left, term, clock)])
        if (tried?.isOurs) renewedAt = startedAt
        else if (tried && sighting && sighting.holder !== identity && sighting.holder !== '') return
      } catch (error) {
        log.warn({ err: error, lease: name }, 'cannot renew the lease; trying again')
      }
      if (clock.now() - renewedAt >= times.renewWithinMs) return
    }
  }

  const release = async (): Promise<void> => {
    try {
      const found = await read()
      if (found?.spec?.holderIdentity === identity) await write(found, released(found.spec, clock.now()))
    } catch (error) {
      log.warn({ err: error, lease: name }, 'cannot give the lease back: the next leader has to wait for its end')
    }
  }

  const follow = createInformer(client, leases, { namespace, fieldSelector: `metadata.name=${name}`, clock })
  follow.onChange(() => changed.resolve())
  const end = new AbortController()
  const following = isSole ? undefined : follow.run(AbortSignal.any([signal, end.signal]))

  const leadOnce = async (): Promise<void> => {
    log.info({ lease: name, identity }, 'leading')
    const over = new AbortController()
    const term = AbortSignal.any([signal, over.signal])
    const working = lead(term)
    try {
      await Promise.race([keep(term), working])
    } finally {
      over.abort()
    }
    await working
    if (!signal.aborted) log.warn({ lease: name, identity }, 'not leading any more')
  }

  try {
    while (!signal.aborted) {
      await acquire()
      if (signal.aborted) break
      await leadOnce()
      // Work that ends at once is not begun again and again.
      await sleep(times.renewEveryMs / 10, signal, clock)
    }
  } finally {
    await release()
    end.abort()
    await following
  }
}
