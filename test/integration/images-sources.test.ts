/** Where images come from, besides a registry that needs no proof: registries over TLS, layouts of OCI in a folder and an archive. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { createNodeImages } from '../../src/agent/runtime/oci/node-images.ts'
import { createAuthority, issueCertificate, validFor } from '../../src/api/certificates.ts'
import { createCommandRunner } from '../../src/host/command.ts'
import { importImages } from '../../src/images/archive/import.ts'
import { digestOf } from '../../src/images/digest.ts'
import { openNodeImages } from '../../src/images/node/open-images.ts'
import { type FakeRegistry, ociIndex, ociManifest, pushImage, startFakeRegistry } from '../support/fake-registry.ts'
import { configOf, leftIn, openTestStore, ownFolder } from '../support/image-store.ts'
import { imagesContract } from '../support/images-contract.ts'
import { tarArchive } from '../support/tar-archive.ts'

const validity = validFor(1, Date.now())
const authority = await createAuthority('registries', validity)
const caFile = join(ownFolder(), 'ca.pem')
writeFileSync(caFile, authority.cert)

const startTlsRegistry = async (t: Test, ...addresses: readonly string[]): Promise<FakeRegistry> => {
  const registry = await startFakeRegistry(
    t,
    await issueCertificate(authority, { commonName: 'registry', addresses }, validity, 'server'),
  )
  pushImage(registry, '1', [[{ path: 'a', content: 'a' }]])
  return registry
}

const nodeWith = async (t: Test, registries: string) => {
  const registriesFile = join(ownFolder(), 'registries.yaml')
  writeFileSync(registriesFile, registries)
  const notices: string[] = []
  const onNotice = (message: string): void => void notices.push(message)
  const folder = ownFolder()
  const opened = await openNodeImages({ folder, runner: createCommandRunner(), onNotice, registriesFile })
  t.teardown(opened.close)
  return { ...opened, folder }
}

t.test('the images of a node keep the contract', async (t) => {
  imagesContract(t, async (t) => {
    const registry = await startFakeRegistry(t)
    const opened = await nodeWith(t, '')
    const serve = (reference: string, command: string): void => {
      const tag = reference.slice(reference.lastIndexOf(':') + 1)
      pushImage(registry, tag, [[{ path: 'a', content: command }]], gzipSync, 'tar+gzip', { Cmd: [command] })
    }
    return { images: createNodeImages(async () => opened).images, registry: registry.host, serve }
  })
})

t.test('a registry whose authority the node names', async (t) => {
  const registry = await startTlsRegistry(t, '127.0.0.1')
  const { images } = await nodeWith(t, `configs: { "${registry.host}": { tls: { ca_file: ${caFile} } } }`)
  t.match(await images.pull(`${registry.host}/app:1`), { names: [`${registry.host}/app:1`] })
})

t.test('a mirror over TLS, whose authority is named by its own host', async (t) => {
  const mirror = await startTlsRegistry(t, '127.0.0.1')
  const { images } = await nodeWith(
    t,
    `mirrors: { registry.example: { endpoint: ["https://${mirror.host}"] } }
configs: { "${mirror.host}": { tls: { ca_file: ${caFile} } } }`,
  )
  t.match(await images.pull('registry.example/app:1'), { names: ['registry.example/app:1'] })
})

t.test('a registry that nobody vouches for gets nothing, and what to do is told', async (t) => {
  const [registry, elsewhere] = [await startTlsRegistry(t, '127.0.0.1'), await startTlsRegistry(t, '192.0.2.1')]
  const unknown = await createAuthority('somebody else', validity)
  const otherFile = join(ownFolder(), 'other.pem')
  writeFileSync(otherFile, unknown.cert)
  const auth = 'auth: { username: alice, password: secret }'
  const configs = [
    [registry, `{ ${auth} }`, /give its authority as ca_file/],
    [registry, `{ ${auth}, tls: { ca_file: ${otherFile} } }`, /give its authority as ca_file/],
    [elsewhere, `{ ${auth}, tls: { ca_file: ${caFile} } }`, /its certificate is for other names/],
  ] as const
  for (const [{ host, requests }, settings, message] of configs) {
    const { images, folder } = await nodeWith(t, `configs: { "${host}": ${settings} }`)
    await t.rejects(images.pull(`${host}/app:1`), { name: 'ImageError', fault: 'unavailable', message })
    t.same(requests, [], 'nor does it learn the password')
    t.same(leftIn(folder), [])
  }
  const expired = await startFakeRegistry(
    t,
    await issueCertificate(
      authority,
      { commonName: 'registry', addresses: ['127.0.0.1'] },
      { notBefore: new Date(0), notAfter: new Date(1) },
      'server',
    ),
  )
  const late = await nodeWith(t, `configs: { "${expired.host}": { tls: { ca_file: ${caFile} } } }`)
  await t.rejects(late.images.pull(`${expired.host}/app:1`), { message: /its certificate has expired/ })
  const { images } = await nodeWith(t, `configs: { "${registry.host}": { tls: { insecure_skip_verify: true } } }`)
  t.ok(await images.pull(`${registry.host}/app:1`), 'unless the node says that it need not be')
})

/** By their paths. */
type Layout = Readonly<Record<string, Buffer>>

const blob = (bytes: Buffer): Layout => ({ [`blobs/sha256/${digestOf(bytes).slice(7)}`]: bytes })
const descriptor = (mediaType: string, bytes: Buffer) => ({ mediaType, digest: digestOf(bytes), size: bytes.length })
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

const layers = [tarArchive({ path: 'a', content: 'a' }), tarArchive({ path: 'b', content: 'b' })]
const compressed = layers.map((layer) => gzipSync(layer))
const config = configOf(layers, { Cmd: ['/a'] })
const manifest = json({
  ...{ schemaVersion: 2, mediaType: ociManifest },
  config: descriptor('application/vnd.oci.image.config.v1+json', config),
  layers: compressed.map((layer) => descriptor('application/vnd.oci.image.layer.v1.tar+gzip', layer)),
})
/** For this machine, and for one that there is not. */
const platforms = json({
  ...{ schemaVersion: 2, mediaType: ociIndex },
  manifests: [
    { ...descriptor(ociManifest, json('another')), platform: { os: 'linux', architecture: 's390x' } },
    { ...descriptor(ociManifest, manifest), platform: { os: 'linux', architecture: 'amd64' } },
  ],
})
const platform = { os: 'linux', architecture: 'amd64', variant: '' }
const name = 'registry.example/app:1'
const layout: Layout = {
  'oci-layout': json({ imageLayoutVersion: '1.0.0' }),
  'index.json': json({
    schemaVersion: 2,
    manifests: [{ ...descriptor(ociIndex, platforms), annotations: { 'org.opencontainers.image.ref.name': name } }],
  }),
  ...blob(platforms),
  ...blob(manifest),
  ...blob(config),
  ...Object.assign({}, ...compressed.map(blob)),
}

const inFolder = (files: Layout): string => {
  const folder = ownFolder()
  mkdirSync(join(folder, 'blobs/sha256'), { recursive: true })
  for (const [path, bytes] of Object.entries(files)) writeFileSync(join(folder, path), bytes)
  return folder
}

const inArchive = (files: Layout): string => {
  const file = join(ownFolder(), 'layout.tar')
  writeFileSync(file, tarArchive(...Object.entries(files).map(([path, content]) => ({ path: `./${path}`, content }))))
  return file
}

for (const [where, place] of [
  ['a folder', inFolder],
  ['an archive', inArchive],
] as const) {
  t.test(`a layout in ${where}`, async (t) => {
    const { store } = await openTestStore(t)
    const [image, ...others] = await importImages(store, place(layout), { platform })
    t.same(others, [])
    t.match(image, {
      ...{ id: digestOf(config), names: [name], config: { cmd: ['/a'] } },
      digests: [`registry.example/app@${digestOf(manifest)}`],
    })
    if (!image) return
    const { folder, names } = await store.roots.layersOf(image.id)
    t.same(
      names.map((layer, at) => readFileSync(join(folder, layer, ['a', 'b'][at] ?? ''), 'utf8')),
      ['a', 'b'],
    )
  })

  t.test(`a layout in ${where} that is not what its digests say`, async (t) => {
    const { store, folder } = await openTestStore(t)
    const [other] = compressed
    const wrong = (bytes: Buffer, instead: Buffer): Layout => ({
      ...layout,
      [Object.keys(blob(bytes))[0] ?? '']: instead,
    })
    for (const [files, message] of [
      [wrong(manifest, json({})), /in the place of/],
      [wrong(config, json({})), /in the place of/],
      [wrong(compressed[1] ?? json(''), other ?? json('')), /a layer is sha256.*and should be/],
      [Object.fromEntries(Object.entries(layout).slice(0, -1)), /ENOENT|has no blobs/],
    ] as const)
      await t.rejects(importImages(store, place(files), { platform }), {
        ...{ name: 'ImageError', fault: 'damaged', message },
      })
    t.same(await store.images.list(), [])
    t.same(leftIn(folder), [])
  })
}
