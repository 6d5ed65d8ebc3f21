/** `ApiTransport` for parts that share the API server's process: straight into the handler, without bytes. */
import { ApiError } from '../../api/errors.ts'
import type { ApiRequest, ApiTransport } from '../../api/transport.ts'
import type { Status, WatchEvent } from '../../api/types/index.ts'
import type { User } from '../auth/user.ts'
import { asking, type Call, type Handler, withHeaders } from './call.ts'

const callOf = (user: User, request: ApiRequest, signal: AbortSignal): Call => ({
  ...asking(request.method, request.path, new URLSearchParams(request.query)),
  user,
  ...withHeaders({ 'user-agent': ['podway'] }),
  contentType: request.contentType ?? 'application/json',
  body: async () => request.body,
  rawBody: async () => Buffer.from(request.body === undefined ? '' : JSON.stringify(request.body)),
  signal,
})

const never = new AbortController().signal

/** Objects are handed over as they are, not copied: nobody may change them. */
export const createLocalTransport = (handle: Handler, user: User): ApiTransport => ({
  request: async (request, signal = never) => {
    const answer = await handle(callOf(user, request, signal))
    if (answer.kind === 'list') return answer.list
    if (answer.kind !== 'object') throw new Error(`${request.method} ${request.path} does not answer with an object`)
    return answer.object
  },

  watch: async function* (request, signal) {
    const answer = await handle(callOf(user, request, signal))
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
