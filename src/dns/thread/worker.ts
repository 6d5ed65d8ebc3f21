/** The entry of the DNS thread: answers go on while the agent is busy. Keep what it imports small. */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { type Heartbeat, startHeartbeat } from '../../host/heartbeat.ts'
import { cidrOf } from '../../ip/cidr.ts'
import { checks } from '../answer/checks.ts'
import { clusterNames } from '../answer/cluster.ts'
import { completion, createPodNamespaces } from '../answer/completion.ts'
import { hostsNames } from '../answer/hosts.ts'
import { createHotAnswers } from '../answer/hot.ts'
import { outsideNames } from '../answer/outside.ts'
import { createResponder, type Responder } from '../answer/responder.ts'
import { rewrittenNames } from '../answer/rewrites.ts'
import { skyNames } from '../answer/skydns.ts'
import type { Handler } from '../chain/request.ts'
import type { DnsConfig } from '../config/config.ts'
import { createCache } from '../forward/cache.ts'
import { createLoopGuard } from '../forward/loop-guard.ts'
import { createRouter } from '../forward/router.ts'
import { type Listener, listen } from '../server/listen.ts'
import { createSkyTree } from '../skydns/tree.ts'
import { apexRecords } from '../zone/apex.ts'
import { podOfSource } from '../zone/pod-records.ts'
import type { ZoneRecord } from '../zone/records.ts'
import { createZone } from '../zone/zone.ts'
import { watchQueries } from './observed.ts'
import type { FromWorker, ToWorker, WorkerData } from './protocol.ts'
import { loadSnapshot, saveSnapshot } from './snapshot.ts'
import { createCounters } from './stats.ts'

/** How long clients may remember that a name does not exist: Services come and go. */
const negativeTtl = 5
/** Changes that come together are kept together. */
const saveAfterMs = 2_000

const serve = async (port: MessagePort, data: WorkerData): Promise<void> => {
  const { origin, addresses, snapshotFile } = data
  const tell = (message: FromWorker): void => port.postMessage(message)
  const heartbeat = startHeartbeat(data.heart)
  const counters = createCounters()
  const fault = (error: unknown): void => {
    counters.fault()
    // What was thrown may hold what cannot be sent.
    tell({ kind: 'fault', error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
  // The last net: what one query throws where nobody expects it must not end all the others.
  process.on('uncaughtException', fault)
  process.on('unhandledRejection', fault)
  const zone = createZone()
  const tree = createSkyTree()
  const namespaces = createPodNamespaces()
  let serial = Math.floor(Date.now() / 1000)
  const writeApex = (): void => zone.set(apex, apexRecords({ zone: origin, addresses, serial, negativeTtl }))
  const onDamage = (message: string): void => tell({ kind: 'damage', message })
  const kept = snapshotFile === undefined ? undefined : await loadSnapshot(snapshotFile, onDamage)
  const put = (source: string, records: readonly ZoneRecord[]): void => {
    zone.set(source, records)
    const pod = podOfSource(source)
    if (pod === undefined) return
    const podAddresses = records.map(({ data: address }) => address)
    namespaces.set(pod, podAddresses)
  }
  /** A source that cannot be taken over has no names; all others have theirs. */
  const putAlone = (source: string, records: readonly ZoneRecord[]): void => {
    try {
      put(source, records)
    } catch (error) {
      zone.set(source, [])
      fault(error)
    }
  }
  for (const [source, records] of kept ?? []) putAlone(source, records)
  writeApex()
  let isComplete = false

  const guard = createLoopGuard((upstream) => tell({ kind: 'loop', upstream }))
  const recursionRanges = data.recursionCIDRs.map(cidrOf)

  /** All that hangs on the configuration. */
  const compose = (config: DnsConfig) => {
    const router = createRouter({ config, onResult: counters.upstream })
    const cache = config.cache
      ? createCache({
          config: config.cache,
          ask: ({ query, overTcp }) => router.of(query.name).forward(query, overTcp),
          onEvent: counters.cache,
        })
      : undefined
    // The order in which a query is offered to those who may answer it.
    const respond = createResponder(
      [
        noting(heartbeat),
        checks,
        guard.handler,
        hostsNames(config.hosts),
        skyNames({ tree, zones: config.skydns.zones, negativeTtl }),
        ...(config.searchCompletion
          ? [
              completion({
                ...{ zone, origin, searches: data.searches, isComplete: () => isComplete, ttl: config.ttl },
                namespaceOf: namespaces.of,
              }),
            ]
          : []),
        rewrittenNames(config.rewrites, config.ttl),
        clusterNames({ zone, origin, isComplete: () => isComplete, ttl: config.ttl, negativeTtl }),
        outsideNames(router, cache, recursionRanges),
      ],
      fault,
    )
    // With completion the answer hangs on who asks.
    const hot = config.searchCompletion ? { respond, forget: () => undefined } : createHotAnswers(respond)
    const observed = watchQueries(hot.respond, counters, config.logOneOf, (query) => tell({ kind: 'query', query }))
    return { router, cache, hot, respond: observed }
  }
  let current = compose(data.config)
  const respond: Responder = (...query) => current.respond(...query)

  const opened = Promise.withResolvers<readonly Listener[]>()
  const open = async (): Promise<readonly Listener[]> => {
    // With port 0 the first address chooses, and the others follow.
    const listeners: Listener[] = []
    for (const address of addresses)
      listeners.push(await listen({ address, port: listeners[0]?.port ?? data.port, respond }))
    return listeners
  }
  const close = async (): Promise<void> => {
    // One that was not told to listen has nothing to close.
    opened.resolve([])
    await Promise.all((await opened.promise).map((listener) => listener.close()))
    port.close()
  }

  let saving: NodeJS.Timeout | undefined
  const save = (file: string): void => {
    saving ??= setTimeout(() => {
      saving = undefined
      const sources = [...zone.sources()].filter(([source]) => source !== apex)
      saveSnapshot(file, sources).catch(fault)
    }, saveAfterMs)
  }
  const changed = (): void => {
    serial = Math.max(serial + 1, Math.floor(Date.now() / 1000))
    writeApex()
    current.hot.forget()
    // Before all is known, what is kept is better.
    if (snapshotFile !== undefined && data.savesSnapshot && isComplete) save(snapshotFile)
  }

  const take = (message: ToWorker): void => {
    switch (message.kind) {
      case 'records':
        for (const [source, records] of message.sources) putAlone(source, records)
        return changed()
      case 'synced': {
        const there = new Set(message.sources)
        for (const [source] of [...zone.sources()]) if (source !== apex && !there.has(source)) put(source, [])
        isComplete = true
        return changed()
      }
      case 'published':
        tree.set(message.source, message.entries)
        return current.hot.forget()
      case 'config': {
        const before = current
        current = compose(message.config)
        before.router.close()
        return void guard.check(current.router)
      }
      case 'listen':
        return opened.resolve(open())
      case 'stats': {
        const stats = counters.read({ cacheEntries: current.cache?.size ?? 0, names: zone.size })
        return tell({ kind: 'stats', stats })
      }
      case 'stop':
        clearTimeout(saving)
        current.router.close()
        void close()
    }
  }
  port.on('message', (message: ToWorker) => {
    try {
      take(message)
    } catch (error) {
      fault(error)
    }
  })
  tell({ kind: 'started', hasZone: kept !== undefined })
  const [first] = await opened.promise
  tell({ kind: 'listening', port: first?.port ?? data.port })
  void guard.check(current.router)
}

/** Tells who watches over the thread which name is being looked for. */
const noting =
  (heartbeat: Heartbeat): Handler =>
  ({ query, client }, next) => {
    heartbeat.begins(`${client} `, query.name)
    try {
      return next()
    } finally {
      heartbeat.ends()
    }
  }

/** The source of what the zone holds beside Services. */
const apex = '.'

if (parentPort === null) throw new Error('the DNS worker is started by startDnsThread')
await serve(parentPort, workerData)
