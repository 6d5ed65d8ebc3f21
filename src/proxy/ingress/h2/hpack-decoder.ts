/** Reads header blocks (RFC 7541 section 6). */
import type { Field } from '../http/fields.ts'
import { createDynamicTable, sizeOf, tableBytes } from './dynamic-table.ts'
import { connectionError } from './errors.ts'
import { decodeHuffman } from './huffman-decode.ts'
import { firstDynamic, staticFields } from './static-table.ts'

export interface HpackDecoder {
  /**
   * The fields of the block that stands in `bytes` from `start` to `end`; undefined when they are more than the limit,
   * which leaves the decoder in good order. Throws `ConnectionError` for a wrong block.
   */
  decode(bytes: Buffer, start: number, end: number): readonly Field[] | undefined
}

const wrongBlock = (why: string) => connectionError('COMPRESSION_ERROR', why)

const nothing: Buffer = Buffer.alloc(0)

/** Values that are wrong are far beyond all that are right. */
const maxInteger = 0x0fff_ffff

/** `maxListBytes` bounds what a short block with many references can become. */
export const createHpackDecoder = (maxListBytes: number): HpackDecoder => {
  const table = createDynamicTable()
  let block: Buffer = nothing
  let at = 0
  let blockEnd = 0

  /** Section 5.1. The first byte is at `at`; its low bits as in `mask` belong to the integer. */
  const readInteger = (mask: number): number => {
    let value = (block[at++] ?? 0) & mask
    if (value < mask) return value
    for (let factor = 1; ; factor *= 128) {
      if (at >= blockEnd) throw wrongBlock('header block ends in an integer')
      const byte = block[at++] ?? 0
      value += (byte & 0x7f) * factor
      if (value > maxInteger || factor > maxInteger) throw wrongBlock('integer too large')
      if (byte < 0x80) return value
    }
  }

  const readString = (): string => {
    if (at >= blockEnd) throw wrongBlock('header block ends before a string')
    const coded = (block[at] ?? 0) >= 0x80
    const length = readInteger(0x7f)
    const start = at
    if (length > blockEnd - start) throw wrongBlock('header block ends in a string')
    at += length
    return coded ? decodeHuffman(block, start, at) : block.toString('latin1', start, at)
  }

  const fieldAt = (index: number): Field => {
    const field = index < firstDynamic ? staticFields[index - 1] : table.at(index - firstDynamic)
    if (field === undefined) throw wrongBlock(`no entry ${index} in the tables`)
    return field
  }

  const readLiteral = (mask: number): Field => {
    const index = readInteger(mask)
    const key = index === 0 ? readString() : fieldAt(index).key
    return { name: key, key, value: readString() }
  }

  const readInserted = (): Field => {
    const field = readLiteral(0x3f)
    table.add(field)
    return field
  }

  /** Size updates stand in front of all fields (section 4.2). */
  const readSizeUpdates = (): void => {
    while (at < blockEnd && ((block[at] ?? 0) & 0xe0) === 0x20) {
      const size = readInteger(0x1f)
      if (size > tableBytes) throw wrongBlock('table larger than allowed')
      table.resize(size)
    }
  }

  const readField = (): Field => {
    const first = block[at] ?? 0
    if (first >= 0x80) return fieldAt(readInteger(0x7f))
    if (first >= 0x40) return readInserted()
    if (first >= 0x20) throw wrongBlock('size update behind a field')
    return readLiteral(0x0f)
  }

  const readFields = (): readonly Field[] | undefined => {
    const fields: Field[] = []
    let listBytes = 0
    while (at < blockEnd) {
      const field = readField()
      listBytes += sizeOf(field)
      if (listBytes <= maxListBytes) fields.push(field)
    }
    return listBytes <= maxListBytes ? fields : undefined
  }

  return {
    decode: (bytes, start, end) => {
      block = bytes
      at = start
      blockEnd = end
      readSizeUpdates()
      const fields = readFields()
      block = nothing
      return fields
    },
  }
}
