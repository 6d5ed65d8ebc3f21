/** What upstream servers send, made ready to be kept for everybody. */
import { flags, headerBytes } from '../wire/constants.ts'
import { readName } from '../wire/name.ts'
import { scanAnswer } from '../wire/scan.ts'

export interface Received {
  /** Without its OPT record, which was between that server and us (RFC 6891, 6.1.1). */
  readonly message: Buffer
  /** With the upper bits that stood there. */
  readonly rcode: number
  readonly hasOption: boolean
  readonly isTruncated: boolean
}

/** A header and the question: all that is sure of an answer that was cut. */
export const onlyQuestion = (message: Buffer): Buffer | undefined => {
  const name = readName(message, headerBytes)
  if (!name || message.length < name.end + 4) return undefined
  const short = Buffer.from(message.subarray(0, name.end + 4))
  short.writeUInt32BE(0, 6)
  short.writeUInt16BE(0, 10)
  return short
}

/** Undefined for what is no whole answer to one question. */
export const received = (message: Buffer): Received | undefined => {
  const scan = scanAnswer(message)
  const isTruncated = (message.readUInt16BE(2) & flags.truncated) !== 0
  const hasOption = scan?.option !== undefined
  if (isTruncated) {
    const short = onlyQuestion(message)
    return short && { message: short, rcode: scan?.rcode ?? message.readUInt16BE(2) & 15, hasOption, isTruncated }
  }
  if (!scan) return undefined
  const { rcode, option, end } = scan
  if (!option) return { message: message.subarray(0, end), rcode, hasOption, isTruncated }
  // What stands behind it (signatures of this one hop, if anything) goes with it: nothing in front points there.
  const rest = Buffer.from(message.subarray(0, option.start))
  rest.writeUInt16BE(option.before, 10)
  return { message: rest, rcode, hasOption, isTruncated }
}
