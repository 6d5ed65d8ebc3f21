/** Archives as somebody else might have made them: any entry, also one that no archiver would write. */

import type { Entry } from '../../src/images/tar/entry.ts'
import { endOfArchive, paddingAfter, renderEntry } from '../../src/images/tar/writer.ts'

export type Made = Partial<Omit<Entry, 'bytes'>> & { readonly path: string; readonly content?: string | Buffer }

const bytesOf = (content: string | Buffer): Buffer => (typeof content === 'string' ? Buffer.from(content) : content)

/** Of a plain file unless it says otherwise. Paths are Latin-1. */
export const tarEntry = ({ content = '', ...made }: Made): Buffer => {
  const data = bytesOf(content)
  const kind = made.kind ?? (made.path.endsWith('/') ? 'folder' : 'file')
  const entry: Entry = {
    ...{ kind, link: '', mode: kind === 'folder' ? 0o755 : 0o644, uid: 0, gid: 0, mtime: '1700000000' },
    ...{ xattrs: [], device: [0, 0], sparse: undefined },
    ...made,
    bytes: data.length,
  }
  return Buffer.concat([...renderEntry(entry), data, paddingAfter(data.length)])
}

export const tarArchive = (...entries: readonly Made[]): Buffer =>
  Buffer.concat([...entries.map(tarEntry), endOfArchive()])
