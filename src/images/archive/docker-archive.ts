/** What `docker save`, `podman save` and `skopeo copy docker-archive:` write. */
import { isJsonObject } from '../../api/json.ts'
import { damaged } from '../image-error.ts'
import { jsonIn } from '../json.ts'
import { limits } from '../limits.ts'
import { formatReference, parseReference } from '../reference.ts'
import type { ImageSource } from '../store/image-store.ts'
import type { ArchiveFiles } from './archive-files.ts'

export const dockerManifest = 'manifest.json'

interface SavedImage {
  readonly Config: string
  readonly RepoTags: readonly string[]
  readonly Layers: readonly string[]
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')

const savedImageOf = (value: unknown): SavedImage => {
  const saved = isJsonObject(value) ? value : {}
  const { Config, RepoTags, Layers } = saved
  const tags = RepoTags ?? []
  if (typeof Config !== 'string' || !isTexts(tags) || !isTexts(Layers))
    throw damaged(`${dockerManifest} of the archive is malformed`)
  return { Config, RepoTags: tags, Layers }
}

const parseSaved = (bytes: Buffer): readonly SavedImage[] => {
  const parsed = jsonIn(bytes, () => damaged(`${dockerManifest} of the archive is no JSON`))
  if (!Array.isArray(parsed)) throw damaged(`${dockerManifest} of the archive is malformed`)
  return parsed.map(savedImageOf)
}

export const readDockerArchive = async (files: ArchiveFiles): Promise<readonly ImageSource[]> => {
  const saved = parseSaved(await files.read(dockerManifest, limits.manifestBytes))
  return Promise.all(
    saved.map(async ({ Config, RepoTags, Layers }) => ({
      config: await files.read(Config, limits.configBytes),
      layers: Layers.length,
      layer: (index) => files.open(Layers[index] ?? ''),
      names: RepoTags.map((name) => formatReference(parseReference(name))),
    })),
  )
}
