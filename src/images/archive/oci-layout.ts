/** An image layout of OCI (image-spec, "Image Layout"): a folder, or an archive of one. */
import { isJsonObject } from '../../api/json.ts'
import { type Digest, digestOf, hexOf } from '../digest.ts'
import { damaged, unsupported } from '../image-error.ts'
import { jsonIn } from '../json.ts'
import { limits } from '../limits.ts'
import { findManifest, type WrittenManifest } from '../manifest/find-manifest.ts'
import { chooseEntry, type IndexEntry, parseManifest } from '../manifest/manifest.ts'
import type { Platform } from '../manifest/platform.ts'
import { formatReference, parseReference, repositoryName } from '../reference.ts'
import type { ImageSource } from '../store/image-store.ts'
import type { ArchiveFiles } from './archive-files.ts'

export const layoutFile = 'oci-layout'
const indexFile = 'index.json'

const blobPath = (digest: Digest): string => `blobs/sha256/${hexOf(digest)}`

const readBlob = async (files: ArchiveFiles, digest: Digest, most: number): Promise<Buffer> => {
  const bytes = await files.read(blobPath(digest), most)
  const found = digestOf(bytes)
  if (found !== digest) throw damaged(`the archive has ${found} in the place of ${digest}`)
  return bytes
}

const readManifest = async (files: ArchiveFiles, { digest, mediaType }: IndexEntry): Promise<WrittenManifest> => ({
  ...{ digest, mediaType },
  bytes: await readBlob(files, digest, limits.manifestBytes),
})

const nameAnnotations = ['io.containerd.image.name', 'org.opencontainers.image.ref.name']

/** By containerd in full; by others often a tag alone, of which nobody knows whose it is. */
const namesOf = ({ annotations }: IndexEntry): readonly string[] => {
  const [name] = nameAnnotations.flatMap((annotation) => annotations[annotation] ?? [])
  return name !== undefined && /[/:]/.test(name) ? [formatReference(parseReference(name))] : []
}

const withDigest = (names: readonly string[], digest: Digest): readonly string[] => [
  ...names,
  ...new Set(names.map((name) => `${repositoryName(parseReference(name))}@${digest}`)),
]

const checkVersion = (bytes: Buffer): void => {
  const parsed = jsonIn(bytes, () => damaged(`${layoutFile} is no JSON`))
  const version = isJsonObject(parsed) ? parsed['imageLayoutVersion'] : undefined
  if (typeof version !== 'string' || !version.startsWith('1.')) throw unsupported(`this layout is none of version 1`)
}

/** Entries of one name are platforms of one image. */
const byName = (entries: readonly IndexEntry[]): readonly (readonly IndexEntry[])[] => {
  const groups = new Map<string, IndexEntry[]>()
  for (const entry of entries) {
    const key = nameAnnotations.flatMap((annotation) => entry.annotations[annotation] ?? [])[0] ?? ''
    const group = groups.get(key) ?? []
    groups.set(key, group)
    group.push(entry)
  }
  return [...groups.values()]
}

export const readOciLayout = async (files: ArchiveFiles, node: Platform): Promise<readonly ImageSource[]> => {
  checkVersion(await files.read(layoutFile, limits.configBytes))
  const index = parseManifest(await files.read(indexFile, limits.manifestBytes), '', limits)
  if (index.kind !== 'index') throw damaged(`${indexFile} is no index`)
  return Promise.all(
    byName(index.entries).map(async (entries) => {
      const entry = chooseEntry({ kind: 'index', entries }, node)
      const read = (each: IndexEntry): Promise<WrittenManifest> => readManifest(files, each)
      const { manifest, digest } = await findManifest(await read(entry), node, read)
      return {
        config: await readBlob(files, manifest.config.digest, limits.configBytes),
        layers: manifest.layers.length,
        layer: async (at) => {
          const layer = manifest.layers[at]
          if (!layer) throw damaged('the image has fewer layers than its configuration says')
          return files.open(blobPath(layer.digest))
        },
        names: withDigest(namesOf(entry), digest),
      }
    }),
  )
}
