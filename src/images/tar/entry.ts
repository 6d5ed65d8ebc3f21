/** What an archive says of one file. Names are bytes, held as Latin-1 text: nothing is lost of what is no UTF-8. */

export type EntryKind = 'file' | 'folder' | 'symlink' | 'hardlink' | 'character device' | 'block device' | 'fifo'

/** Where data lies in a file that has holes. */
export interface Segment {
  readonly offset: number
  readonly bytes: number
}

export interface Attributes {
  /** Permissions with setuid, setgid and sticky. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Seconds since 1970, with what is below a second as text: `1700000000.25`. */
  readonly mtime: string
  readonly xattrs: readonly Xattr[]
}

export interface Xattr {
  readonly name: string
  /** Latin-1, as paths. */
  readonly value: string
}

export interface Entry extends Attributes {
  /** As it is written in the archive. */
  readonly path: string
  readonly kind: EntryKind
  /** Where a link leads; empty for others. */
  readonly link: string
  /** Of the data that follow in the archive. */
  readonly bytes: number
  readonly device: readonly [major: number, minor: number]
  /** Of a file with holes: its data are the segments, one after the other. */
  readonly sparse: { readonly size: number; readonly segments: readonly Segment[] } | undefined
}
