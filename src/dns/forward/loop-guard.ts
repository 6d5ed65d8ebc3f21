/**
 * Finds upstream servers that lead back to us: each is asked for a name that nobody else can know, and if that question
 * arrives here, this server sent it on. Only that one is left out then; whatever else there is goes on.
 */
import { randomBytes } from 'node:crypto'
import type { Handler } from '../chain/request.ts'
import { defaultForward } from '../config/config.ts'
import type { Upstream } from '../config/upstream.ts'
import { rcodes, types } from '../wire/constants.ts'
import { createQuery } from '../wire/query.ts'
import { writeResponse } from '../wire/response.ts'
import { createForwarder } from './forwarder.ts'
import type { Router } from './router.ts'

const suffix = 'loop.podway.invalid'

export interface LoopGuard {
  /** Recognizes our own questions. */
  readonly handler: Handler
  /** Asks every server once; resolves when all have answered or not. */
  check(router: Router): Promise<void>
}

export const createLoopGuard = (onLoop: (upstream: Upstream) => void): LoopGuard => {
  const asked = new Map<string, () => void>()
  return {
    handler: (request, next) => {
      const { query, limit } = request
      if (query.type !== types.HINFO || !query.name.endsWith(suffix)) return next()
      asked.get(query.name)?.()
      return writeResponse(query, { rcode: rcodes.refused, isAuthoritative: false, answers: [] }, limit)
    },
    check: async (router) => {
      const questions = router.groups.flatMap(({ upstreams, forwarder }) =>
        upstreams.map(async (upstream) => {
          const name = `${randomBytes(12).toString('hex')}.${suffix}`
          asked.set(name, () => {
            asked.delete(name)
            forwarder.exclude(upstream)
            onLoop(upstream)
          })
          const alone = createForwarder({ ...defaultForward, upstreams: [upstream] })
          await alone.forward(createQuery(name, types.HINFO), false).catch(() => undefined)
          alone.close()
          asked.delete(name)
        }),
      )
      await Promise.all(questions)
    },
  }
}
