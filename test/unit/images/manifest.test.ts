import t from 'tap'
import { digestOf } from '../../../src/images/digest.ts'
import { limits } from '../../../src/images/limits.ts'
import { findManifest, type WrittenManifest } from '../../../src/images/manifest/find-manifest.ts'
import { chooseEntry, parseManifest } from '../../../src/images/manifest/manifest.ts'
import { nodePlatform, suitability } from '../../../src/images/manifest/platform.ts'

const ociManifest = 'application/vnd.oci.image.manifest.v1+json'
const ociIndex = 'application/vnd.oci.image.index.v1+json'
const dockerManifest = 'application/vnd.docker.distribution.manifest.v2+json'
const dockerList = 'application/vnd.docker.distribution.manifest.list.v2+json'

const descriptor = (mediaType: string, size: unknown = 5) => ({ mediaType, digest: digestOf(mediaType), size })
const ociConfig = descriptor('application/vnd.oci.image.config.v1+json')
const layer = descriptor('application/vnd.oci.image.layer.v1.tar+gzip')
const parse = (value: unknown, type = '') => parseManifest(Buffer.from(JSON.stringify(value)), type, limits)
const image = { schemaVersion: 2, mediaType: ociManifest, config: ociConfig, layers: [layer] }

t.test('manifests of OCI and of Docker', async (t) => {
  const oci = parse(image, ociManifest)
  t.equal(oci.kind, 'manifest')
  const docker = parse(
    {
      ...{ schemaVersion: 2, mediaType: dockerManifest },
      config: descriptor('application/vnd.docker.container.image.v1+json'),
      layers: ['tar.gzip', 'tar', 'tar.zstd'].map((kind) =>
        descriptor(`application/vnd.docker.image.rootfs.diff.${kind}`),
      ),
    },
    dockerManifest,
  )
  t.equal(docker.kind === 'manifest' && docker.layers.length, 3)
  t.equal(parse({ ...image, mediaType: undefined }).kind, 'manifest', 'neither it nor its sender says what it is')
})

const refused: readonly (readonly [name: string, value: unknown, type: string, fault: string, message: RegExp])[] = [
  ['schema 1', { schemaVersion: 1 }, '', 'unsupported', /schema 1.*push it again/],
  ['schema 1 by its type', {}, 'application/vnd.docker.distribution.manifest.v1+prettyjws', 'unsupported', /schema 1/],
  [
    'an index and an image at once',
    { ...image, mediaType: undefined, manifests: [] },
    ociManifest,
    'damaged',
    /at once/,
  ],
  ['another than what was sent', image, ociIndex, 'damaged', /calls itself/],
  [
    'a chart',
    { ...image, config: descriptor('application/vnd.cncf.helm.config.v1+json') },
    ociManifest,
    'unsupported',
    /no image/,
  ],
  [
    'a layer of Windows',
    { ...image, layers: [descriptor('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip')] },
    '',
    'unsupported',
    /Windows/,
  ],
  [
    'a layer of another kind',
    { ...image, layers: [descriptor('text/html')] },
    '',
    'unsupported',
    /kind that is not known/,
  ],
  ['a negative size', { ...image, layers: [{ ...layer, size: -1 }] }, '', 'damaged', /size/],
  ['a size that is text', { ...image, config: { ...ociConfig, size: '5' } }, '', 'damaged', /config/],
  ['a digest that is a path', { ...image, layers: [{ ...layer, digest: 'sha256:../../etc' }] }, '', 'damaged', /layer/],
  ['SHA-512', { ...image, layers: [{ ...layer, digest: `sha512:${'a'.repeat(128)}` }] }, '', 'unsupported', /sha512/],
  ['too many layers', { ...image, layers: Array.from({ length: 128 }, () => layer) }, '', 'unsupported', /128 layers/],
  ['a huge configuration', { ...image, config: { ...ociConfig, size: 1e9 } }, '', 'unsupported', /configuration/],
  ['an unknown kind', { mediaType: 'text/html' }, '', 'unsupported', /text\/html/],
  ['null', null, '', 'damaged', /no object/],
]

for (const [name, value, type, fault, message] of refused)
  t.test(`refused: ${name}`, async (t) => t.throws(() => parse(value, type), { name: 'ImageError', fault, message }))

const entry = (platform: object | undefined, name: string, mediaType = ociManifest) => ({
  ...{ mediaType, digest: digestOf(name), size: 1 },
  ...(platform ? { platform } : {}),
})
const choose = (arch: string, entries: readonly object[], type = ociIndex) => {
  const index = parse({ schemaVersion: 2, mediaType: type, manifests: entries }, type)
  if (index.kind !== 'index') throw new Error('no index')
  return chooseEntry(index, nodePlatform(arch)).digest
}
const amd64 = { os: 'linux', architecture: 'amd64' }
const arm = (variant: string) => ({ os: 'linux', architecture: 'arm', variant })

t.test('of an index, the image for this node', async (t) => {
  const entries = [
    entry({ os: 'windows', architecture: 'amd64' }, 'windows'),
    entry({ os: 'unknown', architecture: 'unknown' }, 'attestation'),
    entry({ ...amd64, variant: 'v3' }, 'new processors'),
    entry(amd64, 'amd64'),
    ...['v5', 'v6', 'v7'].map((variant) => entry(arm(variant), variant)),
    entry({ os: 'linux', architecture: 'arm64', variant: 'v8' }, 'arm64'),
  ]
  t.equal(choose('x64', entries), digestOf('amd64'))
  t.equal(choose('arm', entries), digestOf('v7'))
  t.equal(
    choose(
      'arm',
      entries.filter((_, at) => at !== 6),
    ),
    digestOf('v6'),
    'the newest that it can run',
  )
  t.equal(choose('arm64', entries, dockerList), digestOf('arm64'))
  t.throws(() => choose('s390x', entries), {
    fault: 'unsupported',
    message: /for linux\/s390x: only for .*linux\/amd64/,
  })
  t.equal(choose('x64', [entry(undefined, 'alone')]), digestOf('alone'), 'one that does not say what it is for')
})

t.test('how well an image suits', async (t) => {
  const node = nodePlatform('arm64')
  t.ok(suitability(node, { os: 'linux', architecture: 'arm64', variant: '' }) > 0)
  t.equal(suitability(node, { os: 'linux', architecture: 'arm64', variant: 'v9' }), 0)
  t.equal(suitability(node, { os: 'windows', architecture: 'arm64', variant: '' }), 0)
})

t.test('through indexes to the manifest for a node', async (t) => {
  const node = nodePlatform('x64')
  const written = (name: string, value: unknown, mediaType: string): WrittenManifest => ({
    bytes: Buffer.from(JSON.stringify(value)),
    mediaType,
    digest: digestOf(name),
  })
  const last = written('image', image, ociManifest)
  const indexTo = ({ digest, mediaType }: WrittenManifest, name: string): WrittenManifest =>
    written(name, { schemaVersion: 2, manifests: [{ digest, mediaType, size: 5 }] }, ociIndex)
  const find = async (indexes: number) => {
    const all = [last]
    for (let n = 0; n < indexes; n++) all.push(indexTo(all.at(-1) ?? last, `index ${n}`))
    const read: string[] = []
    const found = await findManifest(all.at(-1) ?? last, node, async ({ digest }) => {
      read.push(digest)
      const named = all.find((each) => each.digest === digest)
      if (!named) throw new Error('nobody has it')
      return named
    })
    return { digest: found.digest, read: read.length }
  }
  t.same(await find(0), { digest: last.digest, read: 0 })
  t.same(await find(4), { digest: last.digest, read: 4 })
  await t.rejects(find(5), { fault: 'unsupported', message: /indexes of indexes/ })
})
