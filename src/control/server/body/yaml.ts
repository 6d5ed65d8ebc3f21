/**
 * YAML, read in a thread of its own: a parser that takes a second for a megabyte must not keep others from being
 * answered. One body at a time, each with a limit of time and memory; whoever is in a hurry sends JSON.
 */
import { Worker } from 'node:worker_threads'
import { badRequest, tooLarge, tooManyRequests } from '../../../api/errors.ts'
import { parseJson } from '../../../api/json.ts'
import { bodyLimit, checkJson } from '../../schema/bounds.ts'
import { noteRepeated } from './repeated.ts'

const textLimit = 1024 * 1024
const timeLimitMs = 10_000
const waitingLimit = 8
const resourceLimits = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 32 }

/** From the thread: the same in JSON and what is said twice in it, or why it is not YAML. */
export type YamlResult = { readonly json: string; readonly repeated: readonly string[] } | { readonly wrong: string }

const workerUrl = (): URL =>
  new URL(import.meta.url.endsWith('.ts') ? './yaml-worker.ts' : './yaml-worker.js', import.meta.url)

const isOutOfMemory = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'

const tooCostly = () => tooLarge('this YAML takes too much time or memory to read; send JSON')

const runWorker = (text: string): Promise<YamlResult> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(workerUrl(), { workerData: text, resourceLimits })
    const timer = setTimeout(() => {
      reject(tooCostly())
      void worker.terminate()
    }, timeLimitMs)
    worker.once('message', resolve)
    worker.once('error', (error) => reject(isOutOfMemory(error) ? tooCostly() : error))
    worker.once('exit', () => clearTimeout(timer))
  })

export type ParseYaml = (text: string) => Promise<unknown>

/** What it makes rejects with BadRequest for what is not YAML, RequestEntityTooLarge, TooManyRequests. */
export const createYamlParser = (): ParseYaml => {
  let waiting = 0
  let last: Promise<unknown> = Promise.resolve()

  /** After everything that came before it. */
  const inTurn = (text: string): Promise<YamlResult> => {
    if (waiting >= waitingLimit) throw tooManyRequests()
    waiting++
    const mine = last.then(() => runWorker(text))
    last = mine
      .catch(() => undefined)
      .finally(() => {
        waiting--
      })
    return mine
  }

  return async (text) => {
    if (text.length > textLimit)
      throw tooLarge(`the request body is larger than the limit of ${textLimit} bytes for YAML; send JSON`)
    const result = await inTurn(text)
    if ('wrong' in result) throw badRequest(`the body could not be parsed: ${result.wrong}`)
    if (result.json.length > bodyLimit) throw tooLarge('this YAML repeats too much of itself')
    checkJson(Buffer.from(result.json))
    return noteRepeated(parseJson(result.json), result.repeated)
  }
}
