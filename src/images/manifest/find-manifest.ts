/** From what a name stands for, a manifest or an index, to the manifest of the image for a node. */
import type { Digest } from '../digest.ts'
import { unsupported } from '../image-error.ts'
import { limits } from '../limits.ts'
import { chooseEntry, type IndexEntry, type Manifest, parseManifest } from './manifest.ts'
import type { Platform } from './platform.ts'

/** As it was sent or stored; `mediaType`: what whoever has it calls it. */
export interface WrittenManifest {
  readonly bytes: Buffer
  readonly mediaType: string
  readonly digest: Digest
}

export interface FoundManifest {
  readonly manifest: Manifest
  readonly digest: Digest
}

const indexesInARow = 4

/** `read` brings what an index names. Rejects with `ImageError`. */
export const findManifest = async (
  first: WrittenManifest,
  node: Platform,
  read: (entry: IndexEntry) => Promise<WrittenManifest>,
): Promise<FoundManifest> => {
  let written = first
  for (let indexes = 0; ; indexes++) {
    const parsed = parseManifest(written.bytes, written.mediaType, limits)
    if (parsed.kind === 'manifest') return { manifest: parsed, digest: written.digest }
    if (indexes === indexesInARow) throw unsupported('indexes of indexes of indexes are not read')
    written = await read(chooseEntry(parsed, node))
  }
}
