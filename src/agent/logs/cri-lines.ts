/**
 * Logs as container runtimes write them: `2026-01-02T03:04:05.678901234Z stdout F words`. What has P in place of F is a part of
 * a line, which goes on in the next entry. Pure.
 */

const space = 0x20
const newline = 0x0a
const full = 0x46
const partial = 0x50
const lineEnd = Buffer.from('\n')

export interface CriEntry {
  /** As the runtime has written it; empty where there is none. */
  readonly time: string
  readonly isPartial: boolean
  readonly content: Buffer
}

/** `line` is without its end. What is no entry is a whole line as it stands there. */
export const parseEntry = (line: Buffer): CriEntry => {
  const stream = line.indexOf(space)
  const tag = stream < 0 ? -1 : line.indexOf(space, stream + 1)
  const kind = tag < 0 ? undefined : line[tag + 1]
  if (kind !== full && kind !== partial) return { time: '', isPartial: false, content: line }
  const content = line.indexOf(space, tag + 1)
  return {
    time: line.toString('latin1', 0, stream),
    isPartial: kind === partial,
    // An empty line may have lost its last space on the way.
    content: content < 0 ? line.subarray(line.length) : line.subarray(content + 1),
  }
}

/** Whether a log that begins so was written by a container runtime. */
export const isEntry = (beginning: Buffer): boolean =>
  /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) (?:stdout|stderr) [FP]/.test(beginning.toString('latin1'))

export interface DecodeOptions {
  /** Milliseconds since 1970: what was written before is left out. */
  readonly sinceTime?: number | undefined
  readonly timestamps?: boolean | undefined
}

export interface CriDecoder {
  /** What these bytes say; an entry that is cut off waits for the rest. */
  decode(bytes: Buffer): Buffer
  /** What is left when nothing more comes. */
  end(): Buffer
}

export const createCriDecoder = ({ sinceTime, timestamps }: DecodeOptions): CriDecoder => {
  let rest: Buffer = Buffer.alloc(0)
  let isInLine = false
  let isShown = sinceTime === undefined

  const take = (line: Buffer, into: Buffer[]): void => {
    const { time, isPartial, content } = parseEntry(line)
    // Entries are in order: from the first one on, all are.
    isShown ||= time !== '' && Date.parse(time) >= (sinceTime ?? 0)
    if (!isShown) return
    if (timestamps && !isInLine && time !== '') into.push(Buffer.from(`${time} `))
    into.push(content)
    if (!isPartial) into.push(lineEnd)
    isInLine = isPartial
  }

  return {
    decode: (bytes) => {
      const text = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
      const found: Buffer[] = []
      let from = 0
      for (let to = text.indexOf(newline); to >= 0; to = text.indexOf(newline, from)) {
        take(text.subarray(from, to), found)
        from = to + 1
      }
      rest = text.subarray(from)
      return Buffer.concat(found)
    },
    end: () => {
      const found: Buffer[] = []
      if (rest.length > 0) take(rest, found)
      rest = Buffer.alloc(0)
      return Buffer.concat(found)
    },
  }
}
