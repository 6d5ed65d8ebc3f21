/** Archives as `docker save` writes them, for every engine that is measured. */
import { randomBytes } from 'node:crypto'
import { digestOf } from '../../../src/images/digest.ts'
import { configOf } from '../../support/image-store.ts'
import { type Made, tarArchive } from '../../support/tar-archive.ts'

/** Of one layer. */
export const dockerArchive = (name: string, layer: Buffer, config: object = {}): Buffer => {
  const bytes = configOf([layer], config)
  const path = `${digestOf(bytes).slice('sha256:'.length)}.json`
  return tarArchive(
    { path: '0/layer.tar', content: layer },
    { path, content: bytes },
    { path: 'manifest.json', content: JSON.stringify([{ Config: path, RepoTags: [name], Layers: ['0/layer.tar'] }]) },
  )
}

/** A layer of so many bytes, in files of 64 KiB whose content cannot be guessed. */
export const largeLayer = (bytes: number): Buffer => {
  const size = 64 * 1024
  const files = Array.from(
    { length: Math.ceil(bytes / size) },
    (_, n): Made => ({
      path: `data/${n % 64}/${n}`,
      content: randomBytes(size),
    }),
  )
  return tarArchive(...files)
}
