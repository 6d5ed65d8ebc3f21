/**
 * Reads archives of tar as they come: V7, ustar, pax and GNU, with long names, extended attributes and all four kinds of sparse
 * files. Whatever it is given, it holds one header and its names in memory, and no more of them than the limits say.
 */
import { damaged, unsupported } from '../image-error.ts'
import type { Limits } from '../limits.ts'
import type { ByteSource } from './byte-source.ts'
import type { Entry, EntryKind, Xattr } from './entry.ts'
import { blockBytes, type Header, isEndBlock, parseHeader } from './header.ts'
import { type PaxRecords, parsePax } from './pax.ts'
import { gnuSegments, pairsOf, paxMapSegments } from './sparse.ts'

export interface TarReader {
  /** The next file; undefined at the end. What was not read of the data of the one before is passed over. */
  next(): Promise<Entry | undefined>
  /** The next of its data; undefined when that was all. */
  data(): Promise<Buffer | undefined>
  /** Passes over whatever stands behind the end of the archive. */
  rest(): Promise<void>
  /** Where the data of this entry begin in the archive. */
  readonly offset: number
}

export type ReaderLimits = Pick<Limits, 'metadataBytes' | 'sparseSegments'>

const kinds: Readonly<Record<string, EntryKind>> = {
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character device',
  '4': 'block device',
  '5': 'folder',
  '6': 'fifo',
  '7': 'file',
  S: 'file',
}

const xattrPrefix = 'SCHILY.xattr.'
const noRecords: PaxRecords = { values: new Map(), sparseNumbers: [] }

const wholeNumber = (text: string | undefined, fallback: number): number => {
  if (text === undefined) return fallback
  const value = Number(text)
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value))
    throw damaged(`a number in the archive is ${JSON.stringify(text)}`)
  return value
}

const timeOf = (text: string | undefined, fallback: number): string => {
  if (text === undefined) return String(fallback)
  if (!/^-?\d{1,12}(\.\d{1,20})?$/.test(text)) throw damaged(`a time in the archive is ${JSON.stringify(text)}`)
  return text
}

const xattrsOf = ({ values }: PaxRecords): readonly Xattr[] =>
  values.size === 0
    ? []
    : [...values].flatMap(([name, value]) =>
        name.startsWith(xattrPrefix) ? [{ name: name.slice(xattrPrefix.length), value }] : [],
      )

const kindOf = (header: Header, path: string): EntryKind => {
  const kind = kinds[header.type]
  if (kind === undefined)
    throw unsupported(`the archive has a file of a kind that is not known (${JSON.stringify(header.type)})`)
  // Before there were folders, a slash at the end made one.
  return kind === 'file' && path.endsWith('/') ? 'folder' : kind
}

const withoutNul = (text: string): string => {
  const end = text.indexOf('\0')
  return end < 0 ? text : text.slice(0, end)
}

const withData: readonly EntryKind[] = ['file']

/** What stands before a header and is about it. */
interface Before {
  readonly longName: string | undefined
  readonly longLink: string | undefined
  readonly pax: PaxRecords
}

export const createTarReader = (source: ByteSource, limits: ReaderLimits): TarReader => {
  let position = 0
  /** Of the present entry: data that were not read yet, and what fills its last block. */
  let left = 0
  let padding = 0
  let offset = 0

  const read = async (bytes: number): Promise<Buffer> => {
    const found = await source.read(bytes)
    if (found.length < bytes) throw damaged('the archive is cut off')
    position += bytes
    return found
  }
  const expect = (bytes: number): void => {
    left = bytes
    padding = (blockBytes - (bytes % blockBytes)) % blockBytes
    offset = position
  }
  const data = async (): Promise<Buffer | undefined> => {
    if (left === 0) return undefined
    const found = await source.some(left)
    if (!found) throw damaged('the archive is cut off in the middle of a file')
    left -= found.length
    position += found.length
    return found
  }
  const passOver = async (): Promise<void> => {
    if (left > 0 && !(await source.skip(left))) throw damaged('the archive is cut off in the middle of a file')
    // Some archivers end with their last file, and do not fill its block: there is nothing behind it, then.
    if (padding > 0) await source.skip(padding)
    position += left + padding
    left = 0
    padding = 0
  }

  const metadata = async (header: Header, soFar: number): Promise<Buffer> => {
    if (soFar + header.size > limits.metadataBytes)
      throw unsupported(
        `the archive has more than ${limits.metadataBytes} bytes of names and attributes before one file`,
      )
    expect(header.size)
    const bytes = await read(header.size)
    left = 0
    await passOver()
    return bytes
  }

  const nextHeader = async (): Promise<Header | undefined> => {
    const block = await source.read(blockBytes)
    // Some archivers do not mark the end.
    if (block.length === 0) return undefined
    if (block.length < blockBytes) throw damaged('the archive is cut off')
    position += blockBytes
    return isEndBlock(block) ? undefined : parseHeader(block)
  }

  const sparseOf = async (header: Header, { pax }: Before, size: number): Promise<Entry['sparse']> => {
    const { values } = pax
    if (header.type === 'S') return gnuSegments(header, () => read(blockBytes), limits.sparseSegments)
    const realSize = wholeNumber(values.get('GNU.sparse.realsize') ?? values.get('GNU.sparse.size'), 0)
    if (values.get('GNU.sparse.major') === '1') {
      const { bytes, segments } = await paxMapSegments(() => read(blockBytes), limits.sparseSegments)
      if (bytes > size) throw damaged('the map of a sparse file is larger than the file')
      return { size: realSize, segments }
    }
    const map = values.get('GNU.sparse.map')
    if (map === undefined && pax.sparseNumbers.length === 0) return undefined
    return { size: realSize, segments: pairsOf(map?.split(',') ?? pax.sparseNumbers, limits.sparseSegments) }
  }

  const entryOf = async (header: Header, before: Before): Promise<Entry> => {
    const { values } = before.pax
    const path = values.get('GNU.sparse.name') ?? values.get('path') ?? before.longName ?? header.name
    const kind = kindOf(header, path)
    const size = withData.includes(kind) ? wholeNumber(values.get('size'), header.size) : 0
    const begun = position
    const sparse = kind === 'file' ? await sparseOf(header, before, size) : undefined
    // Of pax' newest kind the map is part of the file; of GNU's own it is not.
    const map = header.type === 'S' ? 0 : position - begun
    const bytes = size - map
    expect(bytes)
    checkSparse(sparse, bytes)
    return {
      path: withoutNul(path),
      ...{ kind, bytes, sparse, device: header.device },
      link: withoutNul(values.get('linkpath') ?? before.longLink ?? header.link),
      mode: header.mode & 0o7777,
      uid: wholeNumber(values.get('uid'), header.uid),
      gid: wholeNumber(values.get('gid'), header.gid),
      mtime: timeOf(values.get('mtime'), header.mtime),
      xattrs: xattrsOf(before.pax),
    }
  }

  const next = async (): Promise<Entry | undefined> => {
    await passOver()
    let before: Before = { longName: undefined, longLink: undefined, pax: noRecords }
    let metadataBytes = 0
    for (;;) {
      const header = await nextHeader()
      if (!header) return undefined
      if (!['L', 'K', 'x', 'g', 'X'].includes(header.type)) return entryOf(header, before)
      const bytes = await metadata(header, metadataBytes)
      metadataBytes += bytes.length + blockBytes
      if (header.type === 'L') before = { ...before, longName: bytes.toString('latin1') }
      if (header.type === 'K') before = { ...before, longLink: bytes.toString('latin1') }
      // A global header (g) says nothing that files of a layer need: which commit an archive is of.
      if (header.type === 'x' || header.type === 'X') before = { ...before, pax: parsePax(bytes) }
    }
  }

  return {
    next,
    data,
    rest: async () => {
      while (await source.some(Number.MAX_SAFE_INTEGER));
    },
    get offset() {
      return offset
    },
  }
}

const checkSparse = (sparse: Entry['sparse'], bytes: number): void => {
  if (!sparse) return
  let end = 0
  let total = 0
  for (const segment of sparse.segments) {
    if (segment.offset < end) throw damaged('the segments of a sparse file overlap')
    end = segment.offset + segment.bytes
    total += segment.bytes
  }
  // Archivers look for holes block by block. One who reads other segments finds each at the beginning of a block, or right behind the
  // one before: two readers would see two archives.
  const full = sparse.segments.filter((segment) => segment.bytes > 0).slice(0, -1)
  if (full.some((segment) => segment.bytes % blockBytes !== 0))
    throw damaged('a segment of a sparse file is no whole block')
  if (end > sparse.size || total !== bytes) throw damaged('the map of a sparse file does not fit its data')
}
