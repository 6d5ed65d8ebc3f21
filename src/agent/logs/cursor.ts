/** Where somebody is in a log whose bytes move while they are read. */
import { type Extent, extentOf, firstFrom, readAt } from './segments.ts'

/** Reads bytes wherever they are, over rotations; an empty answer at the end. */
export const createCursor = (file: string, first: Extent) => {
  let extent = first
  return {
    /** From `offset` on, or later when that is gone: the bytes and where they begin. */
    read: async (offset: number, length: number): Promise<{ readonly at: number; readonly bytes: Buffer }> => {
      for (;;) {
        const at = firstFrom(extent, offset)
        if (at >= extent.end) {
          const end = extent.end
          extent = await extentOf(file, first.format)
          if (extent.end === end) return { at, bytes: Buffer.alloc(0) }
          continue
        }
        const bytes = await readAt(file, extent, at, length)
        if (bytes && bytes.length > 0) return { at, bytes }
        extent = await extentOf(file, first.format)
      }
    },
  }
}

export type Cursor = ReturnType<typeof createCursor>

/** The bytes from `from` (or where they begin to exist) up to `to`. */
export const readRange = async (cursor: Cursor, from: number, to: number): Promise<{ at: number; bytes: Buffer }> => {
  let found: { at: number; bytes: Buffer } = { at: from, bytes: Buffer.alloc(0) }
  for (let offset = from; offset < to; ) {
    const { at, bytes } = await cursor.read(offset, to - offset)
    if (bytes.length === 0) break
    found = at === offset ? { at: found.at, bytes: Buffer.concat([found.bytes, bytes]) } : { at, bytes }
    offset = at + bytes.length
  }
  return found
}
