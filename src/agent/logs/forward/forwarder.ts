/**
 * Brings all logs to one target, at its own pace. The logs on the disk are the buffer: nothing else is kept but how far the target
 * has got, and a batch that was not taken is read again.
 */
import { statSync } from 'node:fs'
import { aborted, type Clock, sleep } from '../../../api/clock.ts'
import { errorText } from '../../../api/errors.ts'
import type { StringMap } from '../../../api/types/index.ts'
import type { Logger } from '../../../host/log.ts'
import type { DropReason, ForwardCounters } from './counters.ts'
import { type Position, readPositions, writePositions } from './positions.ts'
import { endOf, readRecords } from './read-records.ts'
import type { LogRecord } from './record.ts'
import { type LogSink, Rejected } from './sink.ts'
import { type ForwardedLog, placeOf } from './sources.ts'

export interface ForwarderOptions {
  readonly sink: LogSink
  /** Where its positions are kept. */
  readonly positionsFile: string
  readonly nodeName: string
  /** All logs there are. */
  readonly logs: () => Promise<readonly ForwardedLog[]>
  /** By the uid of a pod; undefined when it is not known any more. */
  readonly labelsOf: (uid: string) => StringMap | undefined
  readonly counters: ForwardCounters
  readonly log: Logger
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
}

export interface Forwarder {
  readonly name: string
  /** The target has not got all of it. */
  needs(log: ForwardedLog): Promise<boolean>
  /** What the target has not got of it is lost. */
  lose(log: ForwardedLog): Promise<void>
  run(signal: AbortSignal): Promise<void>
}

const maxRecords = 2_000
const maxBytes = 512 * 1024
/** One log alone does not fill a batch that others wait for. */
const maxBytesOfLog = 128 * 1024
/** Each record has all labels of its pod, and nobody has bounded those of a pod. */
const maxLabelBytes = 4 * 1024 * 1024
/** With less room its next line may not fit, and it would look as if there were none. */
const leastBytesOfLog = 64 * 1024
const pollMs = 1_000
const sendMs = 30_000
const retry = { firstMs: 500, longestMs: 60_000 }
/** Of a log that is gone its position is kept for so long: it may only be on its way to another folder. */
const forgetMs = 60_000
const sayEveryMs = 60_000

interface Batch {
  readonly records: readonly LogRecord[]
  /** What the positions are when all of it was taken. */
  readonly moves: ReadonlyMap<string, Position>
  readonly bytes: number
}

/** What a batch can still take. */
interface Room {
  readonly records: number
  readonly bytes: number
  readonly labelBytes: number
}

const hasRoom = ({ records, bytes, labelBytes }: Room): boolean =>
  records > 0 && bytes >= leastBytesOfLog && labelBytes > 0

/** Losses are said once a minute, with their sum. */
const createLosses = ({ sink: { name }, counters, log, clock }: ForwarderOptions) => {
  let untold = 0
  let toldAt = Number.NEGATIVE_INFINITY
  return (key: string, reason: DropReason, bytes: number): void => {
    if (bytes <= 0) return
    counters.dropped(name, reason, bytes)
    untold += bytes
    if (clock.now() - toldAt < sayEveryMs) return
    const why = reason === 'rotated' ? 'the target was too slow, or away for too long' : 'the target rejects them'
    log.warn({ target: name, log: key, bytes: untold, reason }, `log lines are not forwarded: ${why}`)
    toldAt = clock.now()
    untold = 0
  }
}

export const createForwarder = (options: ForwarderOptions): Forwarder => {
  const { sink, positionsFile, nodeName, logs, labelsOf, counters, log, clock, random } = options
  const { name } = sink
  const positions = new Map<string, Position>()
  /** Size of the file of a log that was read to its end: while it stays the same there is nothing to read. */
  const readAt = new Map<string, number>()
  const missingSince = new Map<string, number>()
  const lost = createLosses(options)
  let turn = 0
  let most = maxRecords
  let failures = 0
  let hasToldSave = false

  const loaded = readPositions(positionsFile, (message) => log.warn({ target: name }, message)).then((found) => {
    for (const [key, position] of found) positions.set(key, position)
  })
  // Who waits for it hears of it.
  loaded.catch(() => undefined)

  const save = async (): Promise<void> => {
    try {
      await writePositions(positionsFile, name, positions)
      hasToldSave = false
    } catch (error) {
      if (!hasToldSave)
        log.error({ err: error, target: name }, 'cannot keep positions: a restart would send logs again')
      hasToldSave = true
    }
  }

  const positionOf = (key: string, uid: string): Position => {
    const known = positions.get(key)
    return { offset: known?.offset ?? 0, labels: labelsOf(uid) ?? known?.labels ?? {} }
  }

  const isUnchanged = ({ key, file }: ForwardedLog): boolean => {
    const before = readAt.get(key)
    return before !== undefined && before === statSync(file, { throwIfNoEntry: false })?.size
  }

  /** Adds what there is of one log to a batch that has room. */
  const readOne = async (each: ForwardedLog, left: Room) => {
    const place = placeOf(each.key)
    if (!place || !hasRoom(left) || (isUnchanged(each) && !each.isOver)) return undefined
    const position = positionOf(each.key, place.uid)
    const { size } = statSync(each.file, { throwIfNoEntry: false }) ?? {}
    if (size === undefined) return undefined
    const origin = { ...place, node: nodeName, labels: position.labels }
    const labelBytes = JSON.stringify(position.labels).length
    const fitting = Math.max(1, Math.floor(left.labelBytes / labelBytes))
    const limits = { maxRecords: Math.min(left.records, fitting), maxBytes: Math.min(left.bytes, maxBytesOfLog) }
    const read = await readRecords(each, position.offset, origin, limits)
    // Of one that was never seen before nothing was lost.
    if (positions.has(each.key)) lost(each.key, 'rotated', read.from - position.offset)
    positions.set(each.key, { ...position, offset: Math.max(position.offset, read.from) })
    if (read.records.length === 0) readAt.set(each.key, size)
    return { ...read, position, labelBytes: labelBytes * read.records.length }
  }

  const collect = async (all: readonly ForwardedLog[]): Promise<Batch> => {
    const records: LogRecord[] = []
    const moves = new Map<string, Position>()
    let bytes = 0
    let labelBytes = 0
    // Another one begins each time.
    const start = all.length === 0 ? 0 : turn++ % all.length
    for (const each of [...all.slice(start), ...all.slice(0, start)]) {
      try {
        const left = { records: most - records.length, bytes: maxBytes - bytes, labelBytes: maxLabelBytes - labelBytes }
        const found = await readOne(each, left)
        const end = found?.ends.at(-1)
        if (!found || end === undefined) continue
        records.push(...found.records)
        moves.set(each.key, { ...found.position, offset: end })
        bytes += end - found.from
        labelBytes += found.labelBytes
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
          log.warn({ err: error, log: each.key, target: name }, 'cannot read a log to forward it')
      }
    }
    return { records, moves, bytes }
  }

  const forgetGone = (all: readonly ForwardedLog[]): void => {
    const present = new Set(all.map(({ key }) => key))
    for (const key of positions.keys()) {
      if (present.has(key)) missingSince.delete(key)
      else if (!missingSince.has(key)) missingSince.set(key, clock.now())
      else if (clock.now() - (missingSince.get(key) ?? 0) > forgetMs)
        for (const map of [positions, readAt, missingSince]) map.delete(key)
    }
  }

  const take = async ({ moves, records }: Batch): Promise<void> => {
    for (const [key, position] of moves) positions.set(key, position)
    counters.sent(name, records.length)
    await save()
  }

  /** Resolves to how long to wait before the next batch. */
  const failed = (error: unknown): number => {
    counters.failed(name)
    if (failures++ === 0) log.warn({ target: name, err: error }, 'cannot forward logs; trying again')
    const pause = Math.min(retry.longestMs, retry.firstMs * 2 ** Math.min(failures - 1, 10))
    return pause * (0.5 + random() / 2)
  }

  /** The target rejects the batch: which of its records is found out by smaller ones. */
  const rejected = async (batch: Batch, error: Rejected): Promise<void> => {
    counters.failed(name)
    if (batch.records.length > 1) {
      most = Math.ceil(batch.records.length / 2)
      return
    }
    for (const [key, position] of batch.moves) positions.set(key, position)
    const [key = ''] = batch.moves.keys()
    log.warn({ target: name, log: key, reason: errorText(error) }, 'the target rejects a record')
    lost(key, 'rejected', batch.bytes)
    await save()
  }

  const send = async (batch: Batch, signal: AbortSignal): Promise<void> => {
    const late = new AbortController()
    const cancel = clock.after(sendMs, () => late.abort(new Error(`not taken within ${sendMs / 1000} s`)))
    const sending = sink.send(batch.records, AbortSignal.any([signal, late.signal]))
    // An agent that ends waits for no target.
    sending.catch(() => undefined)
    try {
      await Promise.race([sending, aborted(signal).then(() => Promise.reject(signal.reason))])
    } catch (error) {
      throw late.signal.aborted ? late.signal.reason : error
    } finally {
      cancel()
    }
  }

  const step = async (signal: AbortSignal): Promise<number> => {
    const all = await logs()
    forgetGone(all)
    const batch = await collect(all)
    if (batch.records.length === 0) return pollMs
    try {
      await send(batch, signal)
      if (failures > 0) log.info({ target: name }, 'logs are forwarded again')
      failures = 0
      most = Math.min(maxRecords, most * 2)
      await take(batch)
      return 0
    } catch (error) {
      if (signal.aborted) return 0
      if (!(error instanceof Rejected)) return failed(error)
      await rejected(batch, error)
      return 0
    }
  }

  return {
    name,
    needs: async (each) => {
      await loaded
      const end = await endOf(each)
      return end !== undefined && end > (positions.get(each.key)?.offset ?? 0)
    },
    lose: async (each) => {
      await loaded
      const end = (await endOf(each)) ?? 0
      lost(each.key, 'rotated', end - (positions.get(each.key)?.offset ?? 0))
    },
    run: async (signal) => {
      await loaded
      while (!signal.aborted) {
        // What goes wrong with one target is its own matter.
        const pause = await step(signal).catch(failed)
        if (pause > 0) await sleep(pause, signal, clock)
      }
      await sink.close().catch(() => undefined)
    },
  }
}
