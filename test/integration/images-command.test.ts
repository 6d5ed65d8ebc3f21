/** `podway image …` on this machine, as its user types it. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { createCommandRunner } from '../../src/host/command.ts'
import { importImages } from '../../src/images/archive/import.ts'
import { digestOf } from '../../src/images/digest.ts'
import { createHolds } from '../../src/images/store/holds.ts'
import { storePaths } from '../../src/images/store/store-paths.ts'
import { pushImage, startFakeRegistry } from '../support/fake-registry.ts'
import { configOf, openTestStore, ownFolder } from '../support/image-store.ts'
import { tarArchive } from '../support/tar-archive.ts'

t.setTimeout(120_000)
const runner = createCommandRunner()
const main = join(import.meta.dirname, '../../src/main.ts')
const node = ['--disable-warning=ExperimentalWarning', main]

const createPodway = (data = ownFolder()) => {
  const run = (words: readonly string[], input?: Buffer) => {
    const [command = '', ...rest] = words
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [...node, 'image', command, ...rest, '--data', data],
      {
        ...(input ? { input } : {}),
      },
    )
    return { status, stdout: stdout.toString(), stderr: stderr.toString() }
  }
  const json = (...words: readonly string[]): unknown => JSON.parse(run([...words, '-o', 'json']).stdout)
  return { data, run, json, images: join(data, 'images') }
}

/** As `docker save` writes it: what it is made of comes before what it is. */
const dockerArchive = (names: readonly string[], layers: readonly Buffer[], config: object = {}): Buffer => {
  const bytes = configOf(layers, config)
  const name = `${digestOf(bytes).slice(7)}.json`
  return tarArchive(
    ...layers.map((content, at) => ({ path: `${at}/layer.tar`, content })),
    { path: name, content: bytes },
    { path: 'link/layer.tar', kind: 'symlink', link: '../0/layer.tar' },
    {
      path: 'manifest.json',
      content: JSON.stringify([
        {
          Config: name,
          RepoTags: names,
          Layers: layers.map((_, at) => (at === 0 ? 'link/layer.tar' : `${at}/layer.tar`)),
        },
      ]),
    },
  )
}

const layers = [tarArchive({ path: 'a', content: 'a' }), tarArchive({ path: 'b', content: 'b' })]
const archive = dockerArchive(['app:1', 'registry.example/app:1'], layers, { Cmd: ['/a'] })

t.test('an archive, from a file, from a pipe, compressed', async (t) => {
  const file = join(ownFolder(), 'app.tar')
  writeFileSync(file, archive)
  const podway = createPodway()
  t.match(podway.run(['import', file]), {
    status: 0,
    stdout: /docker\.io\/library\/app:1, registry\.example\/app:1: [0-9a-f]{12}, \d+ B\n/,
    stderr: /importing .*: 2 layers/,
  })
  const [image] = podway.json('ls') as readonly { readonly id: string }[]
  t.match(image, { names: ['docker.io/library/app:1', 'registry.example/app:1'], config: { cmd: ['/a'] }, usedBy: [] })
  for (const input of [archive, gzipSync(archive)]) {
    const other = createPodway()
    t.match(other.run(['import', '-'], input), { status: 0 })
    t.match(other.json('ls'), [{ id: image?.id }])
    t.match(other.run(['import', '-', '--name', 'other:2'], input), {
      status: 0,
      stdout: /docker\.io\/library\/other:2/,
    })
    t.same(readdirSync(join(other.images, 'tmp')), [])
  }
})

t.test('archives that are none', async (t) => {
  const { store } = await openTestStore(t)
  const cases: readonly (readonly [content: Buffer, message: RegExp])[] = [
    [Buffer.from('text'), /no archive of tar|cut off/],
    [Buffer.alloc(10_240), /neither manifest\.json/],
    [tarArchive({ path: 'manifest.json', content: '[]' }), /no image in it/],
    [tarArchive({ path: 'manifest.json', content: '{' }), /no JSON/],
    [
      tarArchive({ path: 'manifest.json', content: JSON.stringify([{ Config: '../../etc/passwd', Layers: [] }]) }),
      /has no \.\.\/\.\.\/etc\/passwd/,
    ],
    [archive.subarray(0, 2_000), /cut off|neither/],
    [tarArchive({ path: 'manifest.json', content: 'x'.repeat(5_000_000) }), /more than/],
    [dockerArchive(['UPPER'], layers), /invalid image name/],
    [gzipSync(archive).subarray(0, 300), /cannot be decompressed/],
    [tarArchive({ path: 'oci-layout', content: '{"imageLayoutVersion":"2.0.0"}' }), /version 1/],
  ]
  for (const [content, message] of cases) {
    const file = join(ownFolder(), 'x.tar')
    writeFileSync(file, content)
    await t.rejects(importImages(store, file), { name: 'ImageError', message })
  }
  await t.rejects(importImages(store, '/none'), { name: 'ImageError', message: /\/none: .*ENOENT/ })
  await t.rejects(importImages(store, '/etc'), { name: 'ImageError', message: /\/etc: it has neither/ })
  t.same(await store.images.list(), [])
})

t.test('a layout in a folder is read without following links', async (t) => {
  const folder = ownFolder()
  mkdirSync(join(folder, 'blobs/sha256'), { recursive: true })
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  symlinkSync('/etc/passwd', join(folder, 'index.json'))
  const { store } = await openTestStore(t)
  await t.rejects(importImages(store, folder), { name: 'ImageError', message: /ELOOP/ })
})

t.test('from a folder', async (t) => {
  const folder = ownFolder()
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'bin/app'), 'app', { mode: 0o755 })
  const podway = createPodway()
  const words = [
    'build-rootfs',
    folder,
    'app:1',
    '--entrypoint',
    '/bin/app',
    '--entrypoint=-v',
    '--env',
    'A=b',
    '--user',
    '0:0',
    '--label',
    'x=y',
    '--expose',
    '80/tcp',
  ]
  t.match(podway.run(words), { status: 0, stdout: /docker\.io\/library\/app:1/ })
  t.match(podway.json('ls'), [
    {
      config: {
        entrypoint: ['/bin/app', '-v'],
        env: ['A=b'],
        user: '0:0',
        labels: { x: 'y' },
        exposedPorts: ['80/tcp'],
      },
    },
  ])
  const inspected = podway.json('inspect', 'app:1') as {
    readonly id: string
    readonly layers: { readonly folder: string; readonly names: readonly string[] }
  }
  t.ok(existsSync(join(inspected.layers.folder, inspected.layers.names[0] ?? '', 'bin/app')))
  const other = createPodway()
  other.run(words)
  t.match(other.json('ls'), [{ id: inspected.id }], 'the same folder is the same image')
  t.match(podway.run(['build-rootfs', folder, 'x:1', '--env', 'nothing']), { status: 2, stderr: /expected NAME=VALUE/ })
  t.match(podway.run(['build-rootfs', '/none', 'x:1']), { status: 1, stderr: /cannot read \/none/ })
})

t.test('names and images are removed, unless they are in use', async (t) => {
  const podway = createPodway()
  podway.run(['import', '-'], archive)
  const [{ id } = { id: '' }] = podway.json('ls') as readonly { readonly id: `sha256:${string}` }[]
  const holds = createHolds(storePaths(podway.images))
  await holds.set(digestOf(configOf(layers, { Cmd: ['/a'] })), 'pod.main')
  t.match(podway.run(['ls']).stdout, /NAME +ID +SIZE +CONTAINERS\n.* 1\n/)
  t.match(podway.run(['rm', 'app:1']), { status: 0, stdout: /removed app:1/ })
  t.match(podway.run(['rm', 'app:1']), { status: 1, stderr: /there is no image app:1 here/ })
  for (const words of [
    ['rm', 'registry.example/app:1'],
    ['rm', id.slice(7, 19)],
  ])
    t.match(podway.run(words), { status: 1, stderr: /is used by pod\.main/ })
  t.match(podway.run(['prune', '--all']), { status: 0, stdout: /removed 0 images/ })
  await holds.remove(digestOf(configOf(layers, { Cmd: ['/a'] })), 'pod.main')
  t.match(podway.run(['prune', '--all']), { status: 0, stdout: /removed 1 image, \d+ B/ })
  t.same(readdirSync(join(podway.images, 'l')), [])
})

t.test('from a registry, with what docker login has written', async (t) => {
  const registry = await startFakeRegistry(t)
  pushImage(registry, '1', [[{ path: 'a' }]])
  const auth = Buffer.from('alice:secret').toString('base64')
  registry.auth = (request, response) => {
    if (request.headers.authorization === `Basic ${auth}`) return true
    response.writeHead(401, { 'www-authenticate': 'Basic' }).end()
    return false
  }
  const config = join(ownFolder(), 'config.json')
  writeFileSync(config, JSON.stringify({ auths: { [registry.host]: { auth } } }))
  const data = ownFolder()
  // The registry answers from this process: it must not wait for the command.
  const run = (...words: readonly string[]) =>
    runner.run(process.execPath, [...node, 'image', 'pull', `${registry.host}/x:1`, '--data', data, ...words])
  await t.rejects(run(), { name: 'CommandError', stderr: /does not give manifest x:1 to these credentials/ })
  t.match(await run('--docker-config', config), /x:1: [0-9a-f]{12}/)
})

t.test('wrong use', async (t) => {
  const podway = createPodway()
  t.match(podway.run(['ls', '-o', 'yaml']), { status: 2, stderr: /only json is known/ })
  t.match(podway.run(['import']), { status: 2 })
  t.match(podway.run(['ls', '--lab', 'none']), { status: 1, stderr: /no lab named none is up/ })
  t.match(podway.run(['import', '-', '--lab'], archive), { status: 2, stderr: /save it to a file first/ })
})
