/** Writes headers that GNU tar reads without having to guess: long names as they are (not as text), attributes as pax. Pure. */
import type { Entry } from './entry.ts'
import { blockBytes, renderHeader, seal } from './header.ts'
import { renderPax } from './pax.ts'
import { renderGnuSparse } from './sparse.ts'

const types = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  'character device': '3',
  'block device': '4',
  folder: '5',
  fifo: '6',
} as const satisfies Readonly<Record<Entry['kind'], string>>

const nameBytes = 100
const plain = { mode: 0o644, uid: 0, gid: 0, mtime: 0, link: '', device: [0, 0] } as const

export const paddingAfter = (bytes: number): Buffer => Buffer.alloc((blockBytes - (bytes % blockBytes)) % blockBytes)

const extension = (type: string, name: string, content: string): readonly Buffer[] => {
  const bytes = Buffer.from(content, 'latin1')
  return [seal(renderHeader({ ...plain, name, type, size: bytes.length })), bytes, paddingAfter(bytes.length)]
}

const longName = (type: string, text: string): readonly Buffer[] =>
  text.length <= nameBytes ? [] : extension(type, '././@LongLink', `${text}\0`)

const paxText = ({ mtime, xattrs }: Entry): string =>
  [
    ...(mtime.includes('.') ? [renderPax('mtime', mtime)] : []),
    ...xattrs.map(({ name, value }) => renderPax(`SCHILY.xattr.${name}`, value)),
  ].join('')

/** All that stands before the data of an entry. */
export const renderEntry = (entry: Entry): readonly Buffer[] => {
  const pax = paxText(entry)
  const header = renderHeader({
    name: entry.path.slice(0, nameBytes),
    link: entry.link.slice(0, nameBytes),
    ...{ mode: entry.mode, uid: entry.uid, gid: entry.gid, size: entry.bytes, device: entry.device },
    mtime: Math.floor(Number(entry.mtime)),
    type: entry.sparse ? 'S' : types[entry.kind],
  })
  const blocks = entry.sparse ? renderGnuSparse(header, entry.sparse) : []
  return [
    ...longName('K', entry.link),
    ...longName('L', entry.path),
    ...(pax === '' ? [] : extension('x', './pax', pax)),
    seal(header),
    ...blocks,
  ]
}

export const endOfArchive = (): Buffer => Buffer.alloc(2 * blockBytes)
