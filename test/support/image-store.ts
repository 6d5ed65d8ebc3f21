/** A store of images for a test, and images for it, made on the spot. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createCommandRunner } from '../../src/host/command.ts'
import { digestOf } from '../../src/images/digest.ts'
import { readAbilities } from '../../src/images/layer/abilities.ts'
import { type LayerFile, openLayerFile } from '../../src/images/layer/layer-file.ts'
import { type ImageSource, type OpenStore, openImageStore } from '../../src/images/store/image-store.ts'
import { type Made, tarArchive } from './tar-archive.ts'

const runner = createCommandRunner()

/** A folder that goes when the test file has ended. */
export const ownFolder = (below = tmpdir()): string => {
  const folder = mkdtempSync(join(below, 'podway-images-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** What is half-made in a store: each that has it open has a folder there. */
export const leftIn = (folder: string): readonly string[] =>
  readdirSync(join(folder, 'tmp')).flatMap((name) => readdirSync(join(folder, 'tmp', name)))

export interface TestStore {
  readonly store: OpenStore
  readonly folder: string
  /** What it had to tell. */
  readonly notices: readonly string[]
}

export const openTestStore = async (
  t: Test,
  folder = ownFolder(),
  now: () => number = Date.now,
): Promise<TestStore> => {
  const notices: string[] = []
  const abilities = await readAbilities()
  const onNotice = (message: string): void => void notices.push(message)
  const store = await openImageStore({ folder, runner, abilities, onNotice, now })
  t.teardown(store.close)
  return { store, folder, notices }
}

/** In a file that nobody else sees. */
export const layerOf = async (bytes: Buffer): Promise<LayerFile> => {
  const folder = await mkdtemp(join(tmpdir(), 'podway-layer-'))
  const file = join(folder, 'layer')
  await writeFile(file, bytes)
  const layer = await openLayerFile(file)
  await rm(folder, { recursive: true })
  return layer
}

export const configOf = (layers: readonly Buffer[], config: object = {}): Buffer =>
  Buffer.from(
    JSON.stringify({
      ...{ os: 'linux', architecture: 'amd64', config },
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => digestOf(layer)) },
    }),
  )

/** Each layer is a list of what it has; its names are given in full. */
export const imageOf = (
  layers: readonly (readonly Made[])[],
  names: readonly string[] = ['docker.io/library/test:1'],
  config: object = {},
): ImageSource => {
  const archives = layers.map((made) => tarArchive(...made))
  return {
    ...{ config: configOf(archives, config), layers: archives.length, names },
    layer: (index) => layerOf(archives[index] ?? Buffer.alloc(0)),
  }
}
