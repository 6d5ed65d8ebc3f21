/** The block of 512 bytes that stands before each file of an archive: V7, ustar and GNU. Pure. */
import { damaged } from '../image-error.ts'

export const blockBytes = 512

export interface Header {
  readonly name: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly mtime: number
  readonly type: string
  readonly link: string
  readonly device: readonly [number, number]
  /** As it was read: old sparse files say more in it. */
  readonly block: Buffer
}

const zero = Buffer.alloc(blockBytes)

export const isEndBlock = (block: Buffer): boolean => block.equals(zero)

const text = (block: Buffer, at: number, bytes: number): string => {
  const end = block.indexOf(0, at)
  return block.toString('latin1', at, end < 0 || end > at + bytes ? at + bytes : end)
}

/** Large numbers are binary, most significant byte first, behind a byte with its highest bit set. */
const binaryNumber = (block: Buffer, at: number, bytes: number): number => {
  const isNegative = ((block[at] ?? 0) & 0x40) !== 0
  let value = isNegative ? -1 : 0
  for (let n = 0; n < bytes; n++) {
    const byte = block[at + n] ?? 0
    value = value * 256 + (n === 0 && !isNegative ? byte & 0x7f : byte)
  }
  // A negative number is what its bits say below the smallest power that holds them.
  if (isNegative)
    return Number(BigInt.asIntN(64, BigInt(`0x${block.toString('hex', at + Math.max(0, bytes - 8), at + bytes)}`)))
  return value
}

export const numberAt = (block: Buffer, at: number, bytes: number): number => {
  if (((block[at] ?? 0) & 0x80) !== 0) {
    const value = binaryNumber(block, at, bytes)
    if (!Number.isSafeInteger(value)) throw damaged('a number in the archive is too large')
    return value
  }
  const digits = text(block, at, bytes).trim()
  if (digits === '') return 0
  if (!/^[0-7]+$/.test(digits)) throw damaged(`a number in the archive is ${JSON.stringify(digits)}`)
  return Number.parseInt(digits, 8)
}

const checksumAt = 148
const checksumBytes = 8

/** Old archivers summed bytes as signed ones. */
const sums = (block: Buffer): readonly [number, number] => {
  let unsigned = 0
  let high = 0
  for (let at = 0; at < blockBytes; at++) {
    const byte = at >= checksumAt && at < checksumAt + checksumBytes ? 32 : (block[at] ?? 0)
    unsigned += byte
    if (byte > 127) high++
  }
  return [unsigned, unsigned - 256 * high]
}

/** Throws for a block that is none. */
export const parseHeader = (block: Buffer): Header => {
  const sum = text(block, checksumAt, checksumBytes).trim()
  if (!sums(block).includes(/^[0-7]+$/.test(sum) ? Number.parseInt(sum, 8) : -1))
    throw damaged('a header of the archive has a wrong checksum: it is damaged, or no archive of tar')
  const magic = block.toString('latin1', 257, 265)
  const isGnu = magic === 'ustar  \0'
  const isPosix = magic.startsWith('ustar\0')
  const name = text(block, 0, 100)
  const prefix = isPosix ? text(block, 345, 155) : ''
  const size = numberAt(block, 124, 12)
  if (size < 0) throw damaged('a file of the archive has a negative size')
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    mode: numberAt(block, 100, 8),
    uid: numberAt(block, 108, 8),
    gid: numberAt(block, 116, 8),
    size,
    mtime: numberAt(block, 136, 12),
    type: block[156] === 0 ? '0' : String.fromCharCode(block[156] ?? 0),
    link: text(block, 157, 100),
    device: isGnu || isPosix ? [numberAt(block, 329, 8), numberAt(block, 337, 8)] : [0, 0],
    block,
  }
}

/** Octal digits, or binary where they do not suffice. */
export const putNumber = (block: Buffer, value: number, at: number, bytes: number): void => {
  const digits = Math.trunc(value).toString(8)
  if (value >= 0 && digits.length < bytes) {
    block.write(digits.padStart(bytes - 1, '0'), at, 'latin1')
    return
  }
  // Two's complement over the whole field; the first byte says that it is binary.
  let rest = BigInt.asUintN(bytes * 8, BigInt(Math.trunc(value)))
  for (let n = bytes - 1; n >= 0; n--, rest >>= 8n) block[at + n] = Number(rest & 0xffn)
  block[at] = (block[at] ?? 0) | 0x80
}

/** Names of at most 100 bytes. GNU's kind, which takes numbers of any size. */
export const renderHeader = (header: Omit<Header, 'block'>): Buffer => {
  const block = Buffer.alloc(blockBytes)
  block.write(header.name, 0, 100, 'latin1')
  putNumber(block, header.mode, 100, 8)
  putNumber(block, header.uid, 108, 8)
  putNumber(block, header.gid, 116, 8)
  putNumber(block, header.size, 124, 12)
  putNumber(block, header.mtime, 136, 12)
  block.write(header.type, 156, 'latin1')
  block.write(header.link, 157, 100, 'latin1')
  block.write('ustar  \0', 257, 'latin1')
  putNumber(block, header.device[0], 329, 8)
  putNumber(block, header.device[1], 337, 8)
  return block
}

/** Writes the checksum into a header that is otherwise whole. */
export const seal = (block: Buffer): Buffer => {
  const [unsigned] = sums(block)
  block.write(`${unsigned.toString(8).padStart(6, '0')}\0 `, checksumAt, 'latin1')
  return block
}
