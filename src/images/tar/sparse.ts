/** Where the data of sparse files lie: as GNU tar wrote it first (in the header), and as its later kinds do (in pax records). */
import { damaged, unsupported } from '../image-error.ts'
import type { Entry, Segment } from './entry.ts'
import { blockBytes, type Header, numberAt, putNumber } from './header.ts'

type Sparse = NonNullable<Entry['sparse']>

const inHeader = 4
const inExtension = 21
const segmentBytes = 24

const checkCount = (count: number, most: number): void => {
  if (count > most) throw unsupported(`a sparse file has more than ${most} segments`)
}

const structsIn = (block: Buffer, at: number, count: number): readonly Segment[] => {
  const found: Segment[] = []
  for (let n = 0; n < count; n++) {
    const start = at + n * segmentBytes
    if (block[start] === 0) break
    found.push({ offset: numberAt(block, start, 12), bytes: numberAt(block, start + 12, 12) })
  }
  return found
}

/** `block`: the header; `extension` reads the next block. */
export const gnuSegments = async (
  { block }: Pick<Header, 'block'>,
  extension: () => Promise<Buffer>,
  most: number,
): Promise<Sparse> => {
  const segments = [...structsIn(block, 386, inHeader)]
  for (let more = block[482] !== 0; more; ) {
    const next = await extension()
    segments.push(...structsIn(next, 0, inExtension))
    checkCount(segments.length, most)
    more = next[504] !== 0
  }
  return { size: numberAt(block, 483, 12), segments }
}

/** Offset and length in turn. */
export const pairsOf = (numbers: readonly string[], most: number): readonly Segment[] => {
  checkCount(numbers.length / 2, most)
  const parsed = numbers.map((text) => {
    if (!/^\d{1,15}$/.test(text)) throw damaged('the map of a sparse file is malformed')
    return Number(text)
  })
  if (parsed.length % 2 !== 0) throw damaged('the map of a sparse file is malformed')
  return parsed.flatMap((offset, at) => (at % 2 === 0 ? [{ offset, bytes: parsed[at + 1] ?? 0 }] : []))
}

/** A count and then numbers, one a line, in as many whole blocks as they need. */
export const paxMapSegments = async (
  block: () => Promise<Buffer>,
  most: number,
): Promise<{ readonly bytes: number; readonly segments: readonly Segment[] }> => {
  let text = ''
  let bytes = 0
  const numbers: string[] = []
  for (let wanted = 1; numbers.length < wanted; ) {
    text += (await block()).toString('latin1')
    bytes += blockBytes
    for (let end = text.indexOf('\n'); end >= 0 && numbers.length < wanted; end = text.indexOf('\n')) {
      numbers.push(text.slice(0, end))
      text = text.slice(end + 1)
      if (numbers.length === 1) {
        const [count] = numbers
        if (!/^\d{1,9}$/.test(count ?? '')) throw damaged('the map of a sparse file is malformed')
        checkCount(Number(count), most)
        wanted = 1 + 2 * Number(count)
      }
    }
    if (text.length > blockBytes) throw damaged('the map of a sparse file is malformed')
  }
  return { bytes, segments: pairsOf(numbers.slice(1), most) }
}

/** The rest of a header of a sparse file, and the blocks that follow it. */
export const renderGnuSparse = (header: Buffer, { size, segments: found }: Sparse): readonly Buffer[] => {
  const last = found.at(-1)
  const end = last ? last.offset + last.bytes : 0
  // An empty segment says how far a hole at the end goes.
  const segments = end < size ? [...found, { offset: size, bytes: 0 }] : found
  const putAll = (block: Buffer, at: number, some: readonly Segment[]): void => {
    for (const [n, { offset, bytes }] of some.entries()) {
      putNumber(block, offset, at + n * segmentBytes, 12)
      putNumber(block, bytes, at + n * segmentBytes + 12, 12)
    }
  }
  putAll(header, 386, segments.slice(0, inHeader))
  putNumber(header, size, 483, 12)
  const blocks: Buffer[] = []
  for (let at = inHeader; at < segments.length; at += inExtension) {
    const block = Buffer.alloc(blockBytes)
    putAll(block, 0, segments.slice(at, at + inExtension))
    if (at + inExtension < segments.length) block[504] = 1
    blocks.push(block)
  }
  if (blocks.length > 0) header[482] = 1
  return blocks
}
