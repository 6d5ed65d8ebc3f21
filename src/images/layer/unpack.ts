/** One layer, from the bytes that a registry or an archive has to a folder that an overlay takes. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Digest } from '../digest.ts'
import { damaged } from '../image-error.ts'
import type { Limits } from '../limits.ts'
import { createByteSource } from '../tar/byte-source.ts'
import { createTarReader } from '../tar/reader.ts'
import { cleanLayer, type LayerFacts, type NodeAbilities } from './cleaned.ts'
import { decompressed } from './decompressed.ts'
import { extract } from './extractor.ts'
import { createLowerLayers, type LowerLayer } from './lower-layers.ts'

export interface LayerOrder {
  /** As it was stored or sent: compressed or not. */
  readonly source: Readable
  /** What it shall be, unpacked. */
  readonly diffId: Digest
  /** The layers that it lies on, the lowest first. */
  readonly below: readonly LowerLayer[]
  /** Of the caller's alone, and empty; `fs` in it is the result. */
  readonly folder: string
  readonly abilities: NodeAbilities
  readonly limits: Limits
  readonly signal?: AbortSignal
}

export interface UnpackedLayer extends LayerFacts {
  /** Where its files are. */
  readonly folder: string
  /** What tar had to say. */
  readonly warnings: string
}

/** Rejects with `ImageError` when it is not what its diff id says. */
export const unpackLayer = async (order: LayerOrder): Promise<UnpackedLayer> => {
  const { source, diffId, below, abilities, limits, signal } = order
  const [folder, scratch] = [join(order.folder, 'fs'), join(order.folder, 'root')]
  try {
    for (const each of [folder, scratch]) await mkdir(each)
    const bytes = decompressed(source, limits)
    const reader = createTarReader(createByteSource(bytes.chunks), limits)
    const lower = below.length === 0 ? undefined : createLowerLayers(below)
    const layer = cleanLayer(reader, lower, abilities, limits)
    const { overlayXattrs } = abilities
    const warnings = await extract({
      chunks: layer.chunks,
      folder,
      scratch,
      overlayXattrs,
      ...(signal ? { signal } : {}),
    })
    const found = bytes.digest()
    if (found !== diffId) throw damaged(`a layer is ${found}, and should be ${diffId}`)
    return { ...layer.facts(), folder, warnings }
  } finally {
    source.destroy()
  }
}
