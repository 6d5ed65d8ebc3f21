/** The chunked coding (RFC 9112 section 7.1), checked byte by byte and passed on as it came, without extensions. */
import type { BodyOptions, BodyReader, Pass } from './body.ts'
import { readFields } from './fields.ts'
import { malformed, Refusal } from './refusal.ts'
import { CR, LF, valueBytes } from './syntax.ts'

/** The size is passed on as it came: one beyond 32 bits is another one for readers that cut it off there. */
const maxSizeDigits = 8
const maxExtensionBytes = 256
/** Names with values, as the grammar has them but without blanks. They are checked although they are not passed on. */
const extensions =
  /^(?:;[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[\t !#-[\]-~]|\\[\t -~])*"))?)+$/
const maxTrailerFields = 32

type State = 'size' | 'extension' | 'size-cr' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailer' | 'done'

/** Consumes what belongs to its state and returns where it stopped. */
type Step = (bytes: Buffer, at: number) => number

const hexDigit = (byte: number | undefined): number => {
  if (byte === undefined) return -1
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

/** Gathers neighbouring stretches of one buffer, so that an ordinary chunk is passed on in one piece. */
const createRun = (bytes: Buffer, pass: Pass) => {
  let start = 0
  let end = 0
  const flush = (): void => {
    if (end > start) pass(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end))
    start = end
  }
  return {
    flush,
    keep: (from: number, to: number): void => {
      if (from !== end) {
        flush()
        start = from
      }
      end = to
    },
  }
}

/** Collects a trailer section up to its empty line; the section is short, its lines are checked together. */
const createTrailer = ({ maxTrailerBytes, checkTrailer, decode, onTrailer }: BodyOptions) => {
  let text = ''
  return {
    /** How many of the bytes belong to the trailer, and whether it is complete. */
    take: (bytes: Buffer): { taken: number; complete: boolean } => {
      const before = text.length
      text += bytes.toString('latin1')
      const found = text.startsWith('\r\n') ? -2 : text.indexOf('\r\n\r\n')
      const complete = found !== -1
      if (complete) text = text.slice(0, found + 4)
      if (text.length > maxTrailerBytes) throw new Refusal(431, 'trailer too large')
      if (complete) {
        const fields = readFields(text, 0, maxTrailerFields)
        for (const field of fields) checkTrailer(field)
        if (decode && fields.length > 0) onTrailer?.(fields)
      }
      return { taken: text.length - before, complete }
    },
    bytes: (): Buffer => Buffer.from(text, 'latin1'),
  }
}

export const chunkedBody = (options: BodyOptions): BodyReader => {
  const trailer = createTrailer(options)
  let state: State = 'size'
  let size = 0
  let digits = 0
  let extension = ''

  const enter = (next: State): void => {
    state = next
  }
  const expect =
    (wanted: number, next: () => State): Step =>
    (bytes, at) => {
      if (bytes[at] !== wanted) throw malformed('wrong chunk framing')
      enter(next())
      return at + 1
    }

  const readSize: Step = (bytes, start) => {
    let at = start
    for (let digit = hexDigit(bytes[at]); digit >= 0; digit = hexDigit(bytes[++at])) {
      if (++digits > maxSizeDigits) throw malformed('wrong chunk size')
      size = size * 16 + digit
    }
    if (at === bytes.length) return at
    if (digits === 0) throw malformed('wrong chunk size')
    digits = 0
    enter(bytes[at] === 0x3b ? 'extension' : 'size-cr')
    return at
  }

  const skipExtension: Step = (bytes, start) => {
    let end = start
    while (valueBytes[bytes[end] ?? CR] === 1) end++
    extension += bytes.toString('latin1', start, end)
    if (extension.length > maxExtensionBytes) throw malformed('chunk extension too long')
    if (end < bytes.length) {
      if (!extensions.test(extension)) throw malformed('wrong chunk extension')
      extension = ''
      enter('size-cr')
    }
    return end
  }

  const passData: Step = (bytes, at) => {
    const taken = Math.min(size, bytes.length - at)
    size -= taken
    reader.length += taken
    if (size === 0) enter('data-cr')
    return at + taken
  }

  const readTrailer: Step = (bytes, at) => {
    const { taken, complete } = trailer.take(bytes.subarray(at))
    if (complete) enter('done')
    return at + taken
  }

  const steps: Readonly<Record<Exclude<State, 'done'>, Step>> = {
    size: readSize,
    extension: skipExtension,
    'size-cr': expect(CR, () => 'size-lf'),
    'size-lf': expect(LF, () => (size === 0 ? 'trailer' : 'data')),
    data: passData,
    'data-cr': expect(CR, () => 'data-lf'),
    'data-lf': expect(LF, () => 'size'),
    trailer: readTrailer,
  }
  // A function, so that the compiler does not conclude from an earlier comparison what the steps have changed since.
  const isDone = (): boolean => state === 'done'
  const passes = (passed: State): boolean =>
    passed === 'data' || (!options.decode && passed !== 'extension' && passed !== 'trailer')

  const reader = {
    done: false,
    length: 0,
    read: (bytes: Buffer, pass: Pass): number => {
      if (isDone()) return 0
      const run = createRun(bytes, pass)
      let at = 0
      while (at < bytes.length && state !== 'done') {
        const entered: Exclude<State, 'done'> = state
        const next = steps[state](bytes, at)
        if (passes(entered)) run.keep(at, next)
        at = next
      }
      reader.done = isDone()
      run.flush()
      if (isDone() && !options.decode) pass(trailer.bytes())
      return at
    },
  }
  return reader
}
