/** Writes header blocks (RFC 7541 section 6). What repeats on a connection becomes one or two bytes. */
import { sizeOf, tableBytes } from './dynamic-table.ts'
import { byteAt, huffmanLength, writeHuffman } from './huffman-encode.ts'
import type { SentField } from './seam.ts'
import { firstDynamic, type StaticName, staticNames } from './static-table.ts'

export interface HpackEncoder {
  /** Writes the block of `fields` at `at` and returns where it ends; there must be room for `maxBlockBytes`. */
  encode(fields: readonly SentField[], target: Buffer, at: number): number
  /** How large a table the peer allows. */
  limit(bytes: number): void
}

/** Secrets stay out of tables, here and on the way behind the peer (section 7.1.3). */
const secrets: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie'])

/** Two size updates, and for each field an index and two lengths. */
const maxIntegerBytes = 6

/** An upper bound of what the block of these fields takes. */
export const maxBlockBytes = (fields: readonly SentField[]): number => {
  let bytes = 2 * maxIntegerBytes
  for (const { key, value } of fields) bytes += key.length + value.length + 3 * maxIntegerBytes
  return bytes
}

/** What is known of a name. */
interface Name {
  readonly known: StaticName | undefined
  readonly secret: boolean
  /** Whether `value` was sent before. */
  seen: boolean
  /** The latest value, when it may be worth an entry. */
  value: string
  /** The number of the entry that was made for the name last, counted from 1; 0: none. */
  entry: number
  /** Whether that entry holds `value`. */
  holds: boolean
}

/** Longer values push too much out of the table. */
const maxIndexedLength = 256
/** More names than any honest pair of peers uses; then all begins anew. */
const maxNames = 512

const writeInteger = (value: number, first: number, mask: number, target: Buffer, start: number): number => {
  if (value < mask) {
    target[start] = first | value
    return start + 1
  }
  target[start] = first | mask
  let at = start + 1
  let rest = value - mask
  for (; rest >= 0x80; rest >>>= 7) target[at++] = 0x80 | rest
  target[at] = rest
  return at + 1
}

const writeString = (text: string, target: Buffer, start: number): number => {
  const coded = huffmanLength(text)
  if (coded < text.length) return writeHuffman(text, target, writeInteger(coded, 0x80, 0x7f, target, start))
  const at = writeInteger(text.length, 0, 0x7f, target, start)
  for (let index = 0; index < text.length; index++) target[at + index] = byteAt(text, index)
  return at + text.length
}

export const createHpackEncoder = (): HpackEncoder => {
  const names = new Map<string, Name>()
  /** The sizes of the entries from `evicted` on, in the order in which they were made. */
  let sizes: number[] = []
  let made = 0
  let evicted = 0
  let bytes = 0
  let limit = tableBytes
  /** The least limit since the last block, when there was one: the peer has to be told that it was kept to. */
  let leastLimit: number | undefined

  const evictTo = (room: number): void => {
    let dropped = 0
    while (bytes > room) bytes -= sizes[dropped++] ?? 0
    if (dropped === 0) return
    evicted += dropped
    sizes = sizes.slice(dropped)
  }

  const insert = (name: Name, size: number): void => {
    evictTo(limit - size)
    sizes.push(size)
    bytes += size
    name.entry = ++made
    name.holds = true
  }

  const nameOf = (key: string): Name => {
    const found = names.get(key)
    if (found !== undefined) return found
    if (names.size === maxNames) names.clear()
    const known = staticNames.get(key)
    const name = { known, secret: secrets.has(key), seen: false, value: '', entry: 0, holds: false }
    names.set(key, name)
    return name
  }

  const indexOf = (entry: number): number => firstDynamic + made - entry

  const writeLiteral = (
    { key, value }: SentField,
    name: Name,
    first: number,
    mask: number,
    target: Buffer,
    start: number,
  ) => {
    const index = name.known?.index ?? (name.entry > evicted ? indexOf(name.entry) : 0)
    const at = writeInteger(index, first, mask, target, start)
    return writeString(value, target, index === 0 ? writeString(key, target, at) : at)
  }

  /** A value that comes again, or a name without an index that does. */
  const isWorthAnEntry = (name: Name, repeats: boolean): boolean =>
    name.seen && (repeats || (name.known === undefined && name.entry <= evicted))

  const writeNew = (field: SentField, name: Name, target: Buffer, start: number): number => {
    const size = sizeOf(field)
    const short = field.value.length <= maxIndexedLength
    const worth = short && size <= limit && isWorthAnEntry(name, name.value === field.value)
    name.seen = true
    name.value = short ? field.value : ''
    name.holds = false
    if (!worth) return writeLiteral(field, name, 0, 0x0f, target, start)
    // The index of the name is one before the insertion.
    const end = writeLiteral(field, name, 0x40, 0x3f, target, start)
    insert(name, size)
    return end
  }

  const writeField = (field: SentField, target: Buffer, at: number): number => {
    const name = nameOf(field.key)
    const known = name.known?.values.get(field.value)
    if (known !== undefined) return writeInteger(known, 0x80, 0x7f, target, at)
    if (name.secret) return writeLiteral(field, name, 0x10, 0x0f, target, at)
    if (name.holds && name.entry > evicted && name.value === field.value)
      return writeInteger(indexOf(name.entry), 0x80, 0x7f, target, at)
    return writeNew(field, name, target, at)
  }

  const writeSizeUpdates = (target: Buffer, start: number): number => {
    if (leastLimit === undefined) return start
    const at = leastLimit < limit ? writeInteger(leastLimit, 0x20, 0x1f, target, start) : start
    leastLimit = undefined
    return writeInteger(limit, 0x20, 0x1f, target, at)
  }

  return {
    encode: (fields, target, start) => {
      let at = writeSizeUpdates(target, start)
      for (const field of fields) at = writeField(field, target, at)
      return at
    },
    limit: (allowed) => {
      const wanted = Math.min(allowed, tableBytes)
      if (wanted === limit) return
      leastLimit = Math.min(leastLimit ?? wanted, wanted)
      limit = wanted
      evictTo(limit)
    },
  }
}
