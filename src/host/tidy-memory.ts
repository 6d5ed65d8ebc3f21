/** Gives back what a daemon needed only for a while: to start, or for a burst of work. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const everyMs = 10_000

/** Of one processor: a collection stops everything for a moment, which nobody should be waiting for. */
const quietShare = 0.1

/** What the heap must have grown by since the last collection for the next one to be worth it. */
const growth = 1.25

export interface Heap {
  /** Milliseconds of processor time that the process has used. */
  cpuMs(): number
  /** Bytes, garbage among them. */
  used(): number
  /** All garbage goes. */
  collect(): void
}

/** To be called every ten seconds: collects after ten quiet ones when the heap has grown. */
export const createTidying = (heap: Heap): (() => void) => {
  let cpu = heap.cpuMs()
  let tidied = 0
  return () => {
    const before = cpu
    cpu = heap.cpuMs()
    if (cpu - before > everyMs * quietShare || heap.used() < tidied * growth) return
    heap.collect()
    tidied = heap.used()
  }
}

const ownHeap = (): Heap => {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  return {
    cpuMs: () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1000
    },
    used: () => process.memoryUsage().heapUsed,
    collect: () => {
      if (typeof collect === 'function') collect()
    },
  }
}

/**
 * A full collection whenever the process has become quiet and its heap has grown: V8 waits with the next one until the heap has
 * doubled, which in a quiet daemon is never. Holds no process back from ending.
 */
export const tidyMemory = (): void => {
  setInterval(createTidying(ownHeap()), everyMs).unref()
}
