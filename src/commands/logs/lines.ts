/** The lines of a log as the API sends it with timestamps. Pure, but for the waiting. */

export interface LogLine {
  /** RFC 3339 in UTC with nine digits of a second, so that times compare as texts; empty for a line without any. */
  readonly time: string
  /** Without the time and the line end; whatever bytes the container wrote. */
  readonly text: Buffer
}

/** A line longer than this is told in parts: nobody keeps more of it in memory. */
export const maxLineBytes = 1024 * 1024

const newline = 10
const space = 32
const stamp = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/

/** Undefined for what is no time. */
const canonicalTime = (text: string): string | undefined => {
  const [, seconds, fraction = '', zone] = stamp.exec(text) ?? []
  if (seconds === undefined || zone === undefined) return undefined
  const ms = Date.parse(`${seconds}${zone}`)
  return Number.isNaN(ms) ? undefined : `${new Date(ms).toISOString().slice(0, 19)}.${fraction.padEnd(9, '0')}Z`
}

/** As long as a time with its zone can be. */
const maxStamp = 36

const parseLine = (bytes: Buffer): LogLine => {
  const end = bytes.subarray(0, maxStamp).indexOf(space)
  const time = end < 0 ? undefined : canonicalTime(bytes.toString('latin1', 0, end))
  return time === undefined ? { time: '', text: bytes } : { time, text: bytes.subarray(end + 1) }
}

/** A line, in parts when it is long: the same ones however it comes in. Only what begins a line has a time. */
const partsOf = (bytes: Buffer, isInLine: boolean): readonly LogLine[] => {
  const parts: LogLine[] = []
  for (let at = 0; at === 0 || at < bytes.length; at += maxLineBytes) {
    const text = bytes.subarray(at, at + maxLineBytes)
    parts.push(isInLine || at > 0 ? { time: '', text } : parseLine(text))
  }
  return parts
}

/** As many lines at a time as have come. What stands behind the last line end is a line, too, once the log has ended. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<readonly LogLine[]> {
  let rest: Buffer = Buffer.alloc(0)
  /** The beginning of the line was told. */
  let isInLine = false
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
    const lines: LogLine[] = []
    let from = 0
    for (let to = bytes.indexOf(newline); to >= 0; to = bytes.indexOf(newline, from)) {
      lines.push(...partsOf(bytes.subarray(from, to), isInLine))
      isInLine = false
      from = to + 1
    }
    for (; bytes.length - from > maxLineBytes; from += maxLineBytes) {
      lines.push(...partsOf(bytes.subarray(from, from + maxLineBytes), isInLine))
      isInLine = true
    }
    rest = bytes.subarray(from)
    if (lines.length > 0) yield lines
  }
  if (rest.length > 0) yield partsOf(rest, isInLine)
}
