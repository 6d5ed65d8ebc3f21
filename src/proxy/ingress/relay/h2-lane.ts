/** A request to an endpoint that speaks HTTP/2 (gRPC, h2c), on a stream of a shared connection. */

import { errorCodes } from '../h2/errors.ts'
import { checkTrailers } from '../h2/field-rules.ts'
import { readH2Response } from '../h2/response-head.ts'
import type { H2Stream, StreamUser } from '../h2/seam.ts'
import type { Field } from '../http/fields.ts'
import { isRefusal } from '../http/refusal.ts'
import type { RequestHead } from '../http/request-head.ts'
import { isBodiless, type ResponseHead } from '../http/response-head.ts'
import type { BackendTls } from '../policy/policy.ts'
import type { Endpoint } from '../routes/endpoints.ts'
import { createGuard } from './guard.ts'
import type { H2Sessions, WireFields } from './h2-sessions.ts'
import type { Lane, LaneUser } from './lane.ts'

export interface H2LaneOptions {
  readonly endpoint: Endpoint
  readonly request: RequestHead
  readonly fields: WireFields
  readonly tls: BackendTls | undefined
  readonly sessions: H2Sessions
}

/** For clients that are told of the end of a body before it comes. */
const emptyBody: Field = { name: 'content-length', key: 'content-length', value: '0' }

const hasLength = ({ fields }: ResponseHead): boolean => fields.some(({ key }) => key === 'content-length')

const nothing = Buffer.alloc(0)

export const openH2Lane = ({ endpoint, request, fields, tls, sessions }: H2LaneOptions, user: LaneUser): Lane => {
  let stream: H2Stream | undefined
  let isAnswered = false
  let isDone = false
  let released = false

  const done = (trailers: readonly Field[]): void => {
    isDone = true
    user.done(trailers)
  }

  const head = (received: readonly Field[], ends: boolean): void => {
    const response = readH2Response(received, request.method, ends)
    if (response.status < 200) return user.interim(response)
    isAnswered = true
    const saysNothing = ends && !isBodiless(request.method, response.status) && !hasLength(response)
    const told = saysNothing ? { ...response, fields: [...response.fields, emptyBody] } : response
    user.head(told, told.body)
    if (released) return
    if (ends) done([])
    else user.settled()
  }

  /** Of this stream alone: others share the connection. */
  const guard = createGuard(
    'an answer',
    (_, error) => user.broke(error),
    () => stream?.reset(errorCodes.INTERNAL_ERROR),
  )
  const streamUser: StreamUser = {
    fields: guard((received, ends) => {
      if (released) return
      try {
        if (!isAnswered) head(received, ends)
        else {
          checkTrailers(received)
          done(received)
        }
      } catch (error) {
        if (!isRefusal(error)) throw error
        user.lost(error.message, true)
      }
    }),
    data: guard((bytes, ends) => {
      if (released) return
      if (!isAnswered) return user.lost('a body before its head', true)
      if (bytes.length > 0) user.data(bytes)
      if (released) return
      if (ends) done([])
      else user.settled()
    }),
    drained: guard(() => {
      if (!released) user.drained()
    }),
    aborted: guard((why, unprocessed) => {
      // The backend says that it has not looked at the request.
      if (unprocessed) lane.sent = false
      if (!released && !isDone) user.lost(`the backend gave up the stream: ${why}`, false)
    }),
  }

  const waiting = sessions.take(endpoint, tls, {
    connected: (open) => {
      if (released) return
      const ends = request.body === 0
      stream = open(fields, ends, streamUser)
      lane.sent = stream !== undefined
      if (stream) user.ready()
      else user.lost('the backend takes no further request', false)
    },
    failed: (why) => {
      if (!released) user.lost(why, false)
    },
  })

  const lane: Lane & { sent: boolean } = {
    endpoint,
    wasResting: waiting.reused,
    start: () => {},
    sent: false,
    send: (piece) => stream?.write(piece, false) ?? true,
    finish: (trailers) => {
      if (!stream || request.body === 0) return
      if (trailers.length > 0) stream.sendFields(trailers, true)
      else stream.write(nothing, true)
    },
    pause: () => stream?.pause(),
    resume: () => stream?.resume(),
    release: (reusable) => {
      released = true
      waiting.cancel()
      if (stream && !(isDone && reusable)) stream.reset(errorCodes.CANCEL)
    },
    halfClose: () => {},
  }
  return lane
}
