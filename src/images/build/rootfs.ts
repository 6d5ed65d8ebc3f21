/** An image of one layer, from a folder: what a Dockerfile is too much for. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { type Digest, digestOfHex } from '../digest.ts'
import { ImageError } from '../image-error.ts'
import type { Image, ImageConfig } from '../images.ts'
import { openLayerFile } from '../layer/layer-file.ts'
import { nodePlatform } from '../manifest/platform.ts'
import { formatReference, parseReference } from '../reference.ts'
import type { AddOptions, OpenStore } from '../store/image-store.ts'

export interface RootfsOptions extends AddOptions {
  readonly config?: Partial<ImageConfig>
}

/** By name, and without what a build leaves to chance, so that the same folder is the same image. */
const tarWords = (folder: string): readonly string[] => [
  ...[
    '--create',
    '--file=-',
    '--directory',
    folder,
    '--format=pax',
    '--sort=name',
    '--numeric-owner',
    '--one-file-system',
  ],
  // Times of access and change are other ones each time.
  ...['--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime', '--xattrs', '--xattrs-include=*', '.'],
]

/** The archive of a folder in a file; its digest. */
const archive = async (folder: string, file: string, signal?: AbortSignal): Promise<Digest> => {
  const hash = createHash('sha256')
  const child = spawn('tar', tarWords(folder), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  })
  const [said, closed] = [text(child.stderr), once(child, 'close')]
  // That it could not be started is told by who waits for its end, below.
  closed.catch(() => undefined)
  const hashed = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      hash.update(chunk)
      yield chunk
    }
  }
  try {
    await pipeline(child.stdout, hashed, createWriteStream(file, { mode: 0o600 }), { ...(signal ? { signal } : {}) })
    const [code] = await closed
    // 1: a file changed while it was read.
    if (code !== 0)
      throw new ImageError('damaged', `cannot read ${folder}: ${(await said).trim().split('\n')[0] ?? ''}`)
  } finally {
    child.kill('SIGKILL')
  }
  return digestOfHex(hash.digest('hex'))
}

const configBytes = (diffId: Digest, config: Partial<ImageConfig>): Buffer => {
  const { os, architecture } = nodePlatform()
  const { entrypoint = [], cmd = [], env = [], user = '', workingDir = '', stopSignal = '', labels = {} } = config
  const { exposedPorts = [], volumes = [] } = config
  const keys = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, {}]))
  return Buffer.from(
    JSON.stringify({
      ...{ os, architecture },
      config: {
        ...{ Entrypoint: entrypoint, Cmd: cmd, Env: env, User: user, WorkingDir: workingDir, Labels: labels },
        ...{ ExposedPorts: keys(exposedPorts), Volumes: keys(volumes), StopSignal: stopSignal },
      },
      rootfs: { type: 'layers', diff_ids: [diffId] },
    }),
  )
}

/** Rejects with `ImageError`. The folder is as it was. */
export const buildRootfs = (
  store: OpenStore,
  folder: string,
  name: string,
  options: RootfsOptions = {},
): Promise<Image> =>
  store.workplace.within(async (place) => {
    const names = [formatReference(parseReference(name))]
    const file = join(place, 'layer.tar')
    const diffId = await archive(folder, file, options.signal)
    const config = configBytes(diffId, options.config ?? {})
    const layer = () => openLayerFile(file)
    const { image, settled } = await store.images.add({ config, layers: 1, layer, names }, options)
    await settled
    return image
  })
