/**
 * Answers that were made once and are the same for everybody until the zone changes: a query with the same bytes gets the
 * same bytes back, with its own id. Most of what clients ask is asked again and again.
 */
import { flags, headerBytes, types } from '../wire/constants.ts'
import { readName } from '../wire/name.ts'
import type { Responder } from './responder.ts'

export interface HotAnswers {
  readonly respond: Responder
  /** Something has changed: nothing is known any more. */
  forget(): void
}

/** When so many are known, all are forgotten: names that nobody has must not fill the memory. */
const maxEntries = 20_000
/** Longer queries are rare, and would be long keys. */
const maxQueryBytes = 300

/** An alias of which the message holds nothing else: others may have been asked where it leads. */
const isLed = (answer: Buffer): boolean => {
  const question = readName(answer, headerBytes)
  if (!question || answer.readUInt16BE(6) === 0) return false
  const type = answer.readUInt16BE(question.end)
  // The first owner is a pointer to the question.
  return answer.readUInt16BE(question.end + 6) === types.CNAME && type !== types.CNAME
}

/** Only what we say ourselves, and where there is no order of addresses to change. */
const isLasting = (answer: Buffer): boolean =>
  answer.length >= headerBytes &&
  (answer.readUInt16BE(2) & flags.authoritative) !== 0 &&
  answer.readUInt16BE(6) <= 1 &&
  !isLed(answer)

export const createHotAnswers = (respond: Responder): HotAnswers => {
  let known = new Map<string, Buffer>()
  return {
    respond: (message, client, overTcp) => {
      if (overTcp || message.length < headerBytes || message.length > maxQueryBytes)
        return respond(message, client, overTcp)
      const key = message.toString('latin1', 2)
      const found = known.get(key)
      if (found) {
        const answer = Buffer.allocUnsafe(found.length)
        found.copy(answer)
        answer[0] = message[0] ?? 0
        answer[1] = message[1] ?? 0
        return answer
      }
      const before = known
      const reply = respond(message, client, overTcp)
      // One that comes later may be of a zone that has changed meanwhile.
      if (!Buffer.isBuffer(reply) || !isLasting(reply)) return reply
      if (known === before) {
        if (known.size >= maxEntries) known = new Map()
        known.set(key, reply)
      }
      return reply
    },
    forget: () => {
      known = new Map()
    },
  }
}
