/** What an upstream server said, as this client asked for it. */
import type { Request } from '../chain/request.ts'
import { flags, headerBytes, optionBytes } from '../wire/constants.ts'
import type { Query } from '../wire/query.ts'
import { writeOption } from '../wire/response.ts'

/** We have no authority over it, and recursion is what we do. AD is for those who know of it (RFC 6840, 5.8). */
const wordFor = (word: number, { flags: asked, edns }: Query): number => {
  const copied = flags.wanted | flags.checking
  const authentic = (asked & flags.authentic) !== 0 || edns?.isSecure ? word & flags.authentic : 0
  return (word & ~(flags.authoritative | flags.authentic | copied)) | flags.available | (asked & copied) | authentic
}

/** `message` as the forwarder gives it: with this client's id, spelling, wishes and limit, and an OPT record if it has one. */
export const addressed = (message: Buffer, { query, limit }: Request): Buffer => {
  const { edns, question } = query
  const room = edns ? optionBytes : 0
  const isCut = message.length + room > limit
  const length = isCut ? headerBytes + question.length : message.length
  const copy = Buffer.alloc(length + room)
  message.copy(copy, 0, 0, length)
  copy.writeUInt16BE(query.id, 0)
  copy.writeUInt16BE(wordFor(message.readUInt16BE(2), query) | (isCut ? flags.truncated : 0), 2)
  if (isCut) copy.fill(0, 6, headerBytes)
  // The same name in another case has the same length.
  copy.set(question, headerBytes)
  if (edns) {
    copy.writeUInt16BE(copy.readUInt16BE(10) + 1, 10)
    writeOption(copy, length, edns, 0)
  }
  return copy
}
