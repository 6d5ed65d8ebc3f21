/**
 * Layers are unpacked in threads: whatever a layer has, the agent goes on answering, and what is noted of its paths is gone with
 * the thread. A thread that needs more memory than it may have ends, and the layer is refused.
 */
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { ImageError, type ImageFault, unsupported } from '../image-error.ts'
import type { Limits } from '../limits.ts'
import type { FilePart } from './layer-file.ts'
import type { LayerPath } from './layer-path.ts'
import type { LayerOrder, UnpackedLayer } from './unpack.ts'

export interface ThreadOrder extends Omit<LayerOrder, 'source' | 'below' | 'abilities' | 'signal'> {
  readonly file: FilePart
  readonly below: readonly { readonly folder: string; readonly opaque: readonly LayerPath[] }[]
}

export type ThreadMessage = { readonly order: ThreadOrder } | 'stop'

export type ThreadResult =
  | { readonly layer: UnpackedLayer }
  | { readonly failure: { readonly fault: ImageFault; readonly message: string } }

export interface UnpackThreads {
  /** As `unpackLayer`. The file is not read any more when this has ended. */
  unpack(order: ThreadOrder, signal?: AbortSignal): Promise<UnpackedLayer>
  /** Ends the threads that nobody needs. */
  close(): Promise<void>
}

const youngHeapMb = 16
/** A thread that is told to stop has to end tar, and to answer. */
const stopMs = 5_000
/** An image has many layers, most of them small: one thread unpacks them all. */
const idleMs = 2_000
/** After a layer with more files a thread is not used again: its memory is given back. */
const smallEntries = 20_000

const threadUrl = new URL(`./unpack-main${extname(import.meta.url)}`, import.meta.url)

const isOutOfMemory = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'

const startThread = ({ unpackHeapMb }: Limits): Worker =>
  new Worker(threadUrl, {
    resourceLimits: { maxOldGenerationSizeMb: unpackHeapMb, maxYoungGenerationSizeMb: youngHeapMb },
  })

/** What the thread says of this order; rejects when it ends without a word. */
const answerOf = (thread: Worker, order: ThreadOrder): Promise<ThreadResult> => {
  const { promise, resolve, reject } = Promise.withResolvers<ThreadResult>()
  let why: unknown
  const onError = (error: unknown): void => {
    why = isOutOfMemory(error)
      ? unsupported(`the paths of a layer take more than ${order.limits.unpackHeapMb} MB of memory`)
      : error
  }
  // When it has ended, not before: until then it may read the file.
  const onExit = (code: number): void =>
    reject(why ?? new Error(`the thread that unpacks a layer ended with code ${code}`))
  thread.once('message', resolve).once('error', onError).once('exit', onExit)
  return promise.finally(() => thread.off('message', resolve).off('error', onError).off('exit', onExit))
}

export const createUnpackThreads = (start: (limits: Limits) => Worker = startThread): UnpackThreads => {
  const alive = new Set<Worker>()
  const idle = new Map<Worker, NodeJS.Timeout>()

  /** Whoever waits for an answer hears why its thread has ended; of an idle one, the error would end the agent. */
  const begin = (limits: Limits): Worker => {
    const thread = start(limits)
    const forget = (): void => {
      alive.delete(thread)
      clearTimeout(idle.get(thread))
      idle.delete(thread)
    }
    alive.add(thread)
    return thread.on('error', forget).on('exit', forget)
  }

  const take = (limits: Limits): Worker => {
    const [found] = idle
    if (!found) return begin(limits)
    const [thread, timer] = found
    clearTimeout(timer)
    idle.delete(thread)
    thread.ref()
    return thread
  }
  const keep = (thread: Worker): void => {
    const end = (): void => {
      idle.delete(thread)
      void thread.terminate()
    }
    idle.set(thread, setTimeout(end, idleMs).unref())
    thread.unref()
  }

  return {
    unpack: async (order, signal) => {
      signal?.throwIfAborted()
      const thread = take(order.limits)
      let timer: NodeJS.Timeout | undefined
      const stop = (): void => {
        thread.postMessage('stop' satisfies ThreadMessage)
        timer = setTimeout(() => void thread.terminate(), stopMs)
      }
      signal?.addEventListener('abort', stop, { once: true })
      let isSmall = false
      try {
        const answer = answerOf(thread, order)
        thread.postMessage({ order } satisfies ThreadMessage)
        const result = await answer
        signal?.throwIfAborted()
        if ('failure' in result) throw new ImageError(result.failure.fault, result.failure.message)
        isSmall = result.layer.entries <= smallEntries
        return result.layer
      } catch (error) {
        throw signal?.aborted ? signal.reason : error
      } finally {
        clearTimeout(timer)
        signal?.removeEventListener('abort', stop)
        if (isSmall && alive.has(thread)) keep(thread)
        else await thread.terminate()
      }
    },
    close: async () => {
      const threads = [...idle.keys()]
      for (const timer of idle.values()) clearTimeout(timer)
      idle.clear()
      await Promise.all(threads.map((thread) => thread.terminate()))
    },
  }
}
