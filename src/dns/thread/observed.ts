/** Counts queries and their answers, and shows one of many to the log. */
import type { Responder } from '../answer/responder.ts'
import { headerBytes } from '../wire/constants.ts'
import { readName } from '../wire/name.ts'
import type { LoggedQuery } from './protocol.ts'
import type { Counters } from './stats.ts'

const questionOf = (message: Buffer): { readonly name: string; readonly type: number } => {
  const name = readName(message, headerBytes)
  const type = name && message.length >= name.end + 2 ? message.readUInt16BE(name.end) : 0
  return { name: name?.name ?? '', type }
}

/** The type of the question; its name is only stepped over. */
const typeOf = (message: Buffer): number => {
  let at = headerBytes
  for (let length = message[at] ?? 0; length > 0 && length < 64; length = message[at] ?? 0) at += 1 + length
  return at + 3 <= message.length ? message.readUInt16BE(at + 1) : 0
}

export const watchQueries = (
  respond: Responder,
  counters: Counters,
  logOneOf: number,
  log: (query: LoggedQuery) => void,
): Responder => {
  let turn = 0
  return (message, client, overTcp) => {
    const began = performance.now()
    counters.request(overTcp, typeOf(message))
    const isLogged = logOneOf > 0 && turn++ % logOneOf === 0
    const ended = (answer: Buffer | undefined): Buffer | undefined => {
      const ms = performance.now() - began
      const rcode = answer && answer.length >= headerBytes ? answer.readUInt16BE(2) & 15 : undefined
      counters.response(rcode, ms / 1000)
      if (isLogged) {
        const bytes = answer?.length ?? 0
        log({ client, ...questionOf(message), rcode: rcode ?? -1, bytes, ms: Math.round(ms * 1000) / 1000, overTcp })
      }
      return answer
    }
    const reply = respond(message, client, overTcp)
    return reply instanceof Promise ? reply.then(ended) : ended(reply)
  }
}
