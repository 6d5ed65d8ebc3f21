/** Asks one extender: a JSON document there, one back, within a time and a size. */
import dispatch from 'undici/lib/api/api-request.js'
import Pool from 'undici/lib/dispatcher/pool.js'
import { errorText } from '../../../api/errors.ts'
import { parseJson } from '../../../api/json.ts'
import { readWhole } from '../../../host/read-whole.ts'
import type { ExtenderSettings } from '../config/settings.ts'
import { plainText } from '../framework/plain-text.ts'

export interface ExtenderClient {
  /** What `read` makes of its answer. Rejects, naming the URL, when there is none that makes sense. */
  ask<T>(verb: string, question: unknown, read: (answer: unknown) => T, signal: AbortSignal): Promise<T>
  close(): void
}

/** An answer may hold what was sent, and so much more. */
const answerLimit = (sent: number): number => 2 * sent + 1024 * 1024

const mostConnections = 32

/** Of several addresses that were tried, the last one's. */
const reasonOf = (error: unknown): string =>
  error instanceof AggregateError ? reasonOf(error.errors.at(-1)) : plainText(errorText(error))

const httpTimeout = (ms: number): Error => new Error(`no answer within ${ms / 1_000}s`)

export const createExtenderClient = ({ urlPrefix, timeoutMs, tls }: ExtenderSettings): ExtenderClient => {
  const { origin, pathname } = new URL(urlPrefix)
  const pool = new Pool(origin, {
    ...{ connections: mostConnections, keepAliveTimeout: 10_000, connect: tls },
    // An answer has `timeoutMs`, which may be longer than the client would wait by itself.
    ...{ headersTimeout: 0, bodyTimeout: 0 },
  })
  const base = pathname.replace(/\/+$/, '')

  const post = async (path: string, body: Buffer, signal: AbortSignal): Promise<unknown> => {
    const { statusCode, body: answer } = await dispatch.call(pool, {
      ...{ path, method: 'POST', body, signal },
      headers: { 'content-type': 'application/json', accept: 'application/json' },
    })
    const text = await readWhole(answer, answerLimit(body.length))
    if (statusCode !== 200) throw new Error(`code ${statusCode}${text === '' ? '' : `: ${plainText(text)}`}`)
    try {
      return parseJson(text)
    } catch {
      throw new Error('the answer is no JSON')
    }
  }

  return {
    ask: async (verb, question, read, signal) => {
      const end = new AbortController()
      const late = httpTimeout(timeoutMs)
      const timer = setTimeout(() => end.abort(late), timeoutMs)
      try {
        const body = Buffer.from(JSON.stringify(question))
        return read(await post(`${base}/${verb}`, body, AbortSignal.any([end.signal, signal])))
      } catch (error) {
        const why = end.signal.aborted ? late : error
        throw new Error(`failed ${verb} with extender at URL ${urlPrefix}/${verb}: ${reasonOf(why)}`)
      } finally {
        clearTimeout(timer)
      }
    },
    close: () => void pool.destroy(),
  }
}
