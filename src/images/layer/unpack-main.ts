/** A thread of `unpack-thread.ts`: one layer after the other, an answer for each. */
import { parentPort } from 'node:worker_threads'
import { asImageError } from '../image-error.ts'
import { readAbilities } from './abilities.ts'
import { readPart } from './layer-file.ts'
import { unpackLayer } from './unpack.ts'
import type { ThreadMessage, ThreadOrder, ThreadResult } from './unpack-thread.ts'

const unpack = async ({ file, below, ...order }: ThreadOrder, signal: AbortSignal): Promise<ThreadResult> => {
  try {
    const layer = await unpackLayer({
      ...order,
      source: readPart(file),
      below: below.map(({ folder, opaque }) => ({ folder, opaque: new Set(opaque) })),
      abilities: await readAbilities(),
      signal,
    })
    return { layer }
  } catch (error) {
    const { fault, message } = asImageError(error, 'unpacking a layer')
    return { failure: { fault, message } }
  }
}

let stopping = new AbortController()

const hear = async (message: ThreadMessage): Promise<void> => {
  if (message === 'stop') return stopping.abort()
  stopping = new AbortController()
  parentPort?.postMessage(await unpack(message.order, stopping.signal))
}

parentPort?.on('message', (message: ThreadMessage) => void hear(message))
