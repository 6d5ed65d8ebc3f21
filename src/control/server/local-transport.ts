/** `ApiTransport` for parts that share the API server's process: straight into the handler, without bytes. */

import { ApiError } from '../../api/errors.ts'
import { isJsonObject, parseJson } from '../../api/json.ts'
import type { ApiRequest, ApiTransport } from '../../api/transport.ts'
import type { Status, WatchEvent } from '../../api/types/index.ts'
import { readWhole } from '../../host/read-whole.ts'
import type { User } from '../auth/user.ts'
import { type Answer, asking, type Call, type Handler, withHeaders } from './call.ts'

const callOf = (user: User, request: ApiRequest, signal: AbortSignal, contentType: string): Call => ({
  ...asking(request.method, request.path, new URLSearchParams(request.query)),
  user,
  ...withHeaders({
    ...{ 'user-agent': ['podway'], accept: ['application/json'] },
    ...(request.body === undefined ? {} : { 'content-type': [contentType] }),
  }),
  contentType,
  body: async () => request.body,
  rawBody: async () => Buffer.from(request.body === undefined ? '' : JSON.stringify(request.body)),
  signal,
})

type Stream = Extract<Answer, { readonly kind: 'stream' }>

/** Of an answer that another API server gives. */
const answerLimit = 64 * 1024 * 1024

const readRemote = async ({ code = 200, chunks }: Stream): Promise<unknown> => {
  const text = await readWhole(chunks, answerLimit)
  let value: unknown
  try {
    value = parseJson(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  if (code >= 400) throw ApiError.fromStatus(isJsonObject(value) ? value : { message: text.slice(0, 1024) }, code)
  if (!isJsonObject(value)) throw new Error('another API server does not answer with an object')
  return value
}

async function* watchRemote({ code = 200, chunks }: Stream, path: string): AsyncGenerator<WatchEvent> {
  if (code !== 200) throw ApiError.fromStatus({ message: `${path} cannot be watched` }, code)
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > answerLimit) throw new Error(`an event of ${path} is too large`)
    for (const line of lines) {
      if (line.trim() === '') continue
      const event = parseJson(line) as WatchEvent
      if (event.type === 'ERROR') throw ApiError.fromStatus(event.object as unknown as Status, 500)
      yield event
    }
  }
}

const never = new AbortController().signal

/** Objects are handed over as they are, not copied: nobody may change them. */
export const createLocalTransport = (handle: Handler, user: User): ApiTransport => ({
  request: async (request, signal = never) => {
    const answer = await handle(callOf(user, request, signal, request.contentType ?? 'application/json'))
    if (answer.kind === 'list') return answer.list
    if (answer.kind === 'stream') return readRemote(answer)
    if (answer.kind !== 'object') throw new Error(`${request.method} ${request.path} does not answer with an object`)
    return answer.object
  },

  watch: async function* (request, signal) {
    const answer = await handle(callOf(user, request, signal, 'application/json'))
    if (answer.kind === 'stream') {
      yield* watchRemote(answer, request.path)
      return
    }
    if (answer.kind !== 'watch') throw new Error(`${request.path} is not a watch`)
    const queue: WatchEvent[] = []
    let wake: (() => void) | undefined
    let ended = false
    let failure: unknown
    const emit = (event: WatchEvent<unknown>): void => {
      queue.push(event as WatchEvent)
      wake?.()
    }
    const end = (error?: unknown) => {
      ended = true
      failure = error
      wake?.()
    }
    const stop = new AbortController()
    const running = answer.run(emit, AbortSignal.any([signal, stop.signal])).then(() => end(), end)
    try {
      while (!ended || queue.length > 0) {
        const event = queue.shift()
        if (event === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        } else if (event.type === 'ERROR') throw ApiError.fromStatus(event.object as unknown as Status, 500)
        else yield event
      }
      if (failure !== undefined) throw failure
    } finally {
      stop.abort()
      await running
    }
  },
})
