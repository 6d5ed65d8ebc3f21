/** Where the files of a store are. */
import { hash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, hexOf } from '../digest.ts'

export interface StorePaths {
  /** Unpacked layers, each in a folder with a short name: all of them have to fit into the one page of mount options. */
  readonly layers: string
  /** Of a layer, by its chain id. */
  readonly layerName: (chain: Digest) => string
  readonly layer: (chain: Digest) => string
  /** What is known of layers, beside them: their folders belong to containers. */
  readonly facts: string
  readonly factsOf: (chain: Digest) => string
  /** Configurations, byte by byte as they were made: what they are is in their name. */
  readonly images: string
  readonly image: (id: Digest) => string
  /** A file for each name, since one name moves and the others stay. */
  readonly names: string
  readonly name: (name: string) => string
  /** A folder for each image, in it a file for each that holds it: there is nothing in them that could be damaged. */
  readonly holds: string
  readonly holdsOf: (id: Digest) => string
  /** What is being made. Nothing in it outlives its process. */
  readonly temporary: string
  /** Downloads, to go on with. */
  readonly partial: string
  readonly lock: string
}

/** 64 bits: nobody finds a second chain of the same name. */
const layerNameDigits = 16

export const storePaths = (folder: string): StorePaths => {
  const [layers, facts, images] = [join(folder, 'l'), join(folder, 'layers'), join(folder, 'images')]
  const [names, holds] = [join(folder, 'names'), join(folder, 'holds')]
  const layerName = (chain: Digest): string => hexOf(chain).slice(0, layerNameDigits)
  return {
    ...{ layers, layerName, layer: (chain) => join(layers, layerName(chain)) },
    ...{ facts, factsOf: (chain) => join(facts, `${layerName(chain)}.json`) },
    ...{ images, image: (id) => join(images, `${hexOf(id)}.json`) },
    ...{ names, name: (name) => join(names, `${hash('sha256', name)}.json`) },
    ...{ holds, holdsOf: (id) => join(holds, hexOf(id)) },
    temporary: join(folder, 'tmp'),
    partial: join(folder, 'partial'),
    lock: join(folder, 'lock'),
  }
}

/** For nobody else to look into: an image may have files of any mode and owner. */
export const makeFolders = async (paths: StorePaths): Promise<void> => {
  const { layers, facts, images, names, holds, temporary, partial } = paths
  for (const folder of [layers, facts, images, names, holds, temporary, partial])
    await mkdir(folder, { recursive: true, mode: 0o700 })
}
