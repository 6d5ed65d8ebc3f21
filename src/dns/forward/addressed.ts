/** What an upstream server said, as this client asked for it. */
import type { Request } from '../answer/request.ts'
import { flags, headerBytes } from '../wire/constants.ts'

/** Only what says that there is more. */
const truncated = (message: Buffer, questionLength: number): Buffer => {
  const short = Buffer.from(message.subarray(0, headerBytes + questionLength))
  short.writeUInt16BE(short.readUInt16BE(2) | flags.truncated, 2)
  short.writeUInt32BE(0, 6)
  short.writeUInt16BE(0, 10)
  return short
}

/** The message as this client asked for it: its id, its spelling, its wish to recurse, its limit. */
export const addressed = (message: Buffer, { query, limit }: Request): Buffer => {
  const copy = Buffer.from(message)
  copy.writeUInt16BE(query.id, 0)
  copy.writeUInt16BE((copy.readUInt16BE(2) & ~flags.wanted) | (query.flags & flags.wanted), 2)
  // The same name in another case has the same length.
  copy.set(query.question, headerBytes)
  return copy.length <= limit ? copy : truncated(copy, query.question.length)
}
