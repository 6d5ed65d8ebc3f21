/** Padding of DATA and HEADERS frames (RFC 9113 section 6.1). */
import { connectionError } from './errors.ts'
import { flags } from './frames.ts'

/** Where the content of a payload begins and ends. */
export interface Content {
  readonly start: number
  readonly end: number
}

/** Takes the length of the padding, `others` bytes of other fields and the padding off. Throws `ConnectionError`. */
export const contentOf = (flag: number, bytes: Buffer, start: number, end: number, others = 0): Content => {
  const padded = (flag & flags.PADDED) !== 0
  const contentStart = start + (padded ? 1 : 0) + others
  if (contentStart > end) throw connectionError('FRAME_SIZE_ERROR', 'frame too short')
  const contentEnd = padded ? end - (bytes[start] ?? 0) : end
  if (contentEnd < contentStart) throw connectionError('PROTOCOL_ERROR', 'padding longer than the frame')
  return { start: contentStart, end: contentEnd }
}
