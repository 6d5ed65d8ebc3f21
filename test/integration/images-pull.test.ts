/** Images from registries: honest ones, Debian's own, and such as break, hang, lie and send elsewhere. */
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { createCommandRunner } from '../../src/host/command.ts'
import type { ImageCredentials, RegistryCredential } from '../../src/images/credentials.ts'
import { hexOf, parseDigest } from '../../src/images/digest.ts'
import type { PullProgress } from '../../src/images/images.ts'
import { type NodeImages, openNodeImages } from '../../src/images/node/open-images.ts'
import { createAuthorizer } from '../../src/images/registry/authorizer.ts'
import { createHttpClient } from '../../src/images/registry/http-client.ts'
import { type FakeRegistry, ociIndex, pushImage, startFakeRegistry } from '../support/fake-registry.ts'
import { freePort } from '../support/free-port.ts'
import { leftIn, ownFolder } from '../support/image-store.ts'
import { until } from '../support/until.ts'

const runner = createCommandRunner()
const silenceMs = 500

const openImages = async (
  t: Test,
  folder = ownFolder(),
  registries?: string,
): Promise<NodeImages & { readonly folder: string }> => {
  const file = join(ownFolder(), 'registries.yaml')
  if (registries !== undefined) writeFileSync(file, registries)
  const opened = await openNodeImages({
    ...{ folder, runner, onNotice: (message) => t.comment(message), timeouts: { silenceMs, connectMs: 2_000 } },
    ...(registries === undefined ? {} : { registriesFile: file }),
  })
  t.teardown(opened.close)
  return { ...opened, folder }
}

const layerText = async (
  { roots }: NodeImages,
  id: Parameters<NodeImages['roots']['layersOf']>[0],
  at: number,
  path: string,
) => {
  const { folder, names } = await roots.layersOf(id)
  return readFileSync(join(folder, names[at] ?? '', path), 'utf8')
}

const credentials = (...all: readonly RegistryCredential[]): ImageCredentials => ({ for: () => all })
const alice = { kind: 'basic', username: 'alice', password: 'secret' } as const
const mallory = { kind: 'basic', username: 'mallory', password: 'x' } as const
const basicOf = ({ username, password }: { readonly username: string; readonly password: string }): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

/** More than what is in the buffers on the way. */
const bigContent = randomBytes(4_000_000).toString('latin1')
const big = [{ path: 'big', content: Buffer.from(bigContent, 'latin1') }]

t.test('layers of every kind, from an index, by tag and by digest', async (t) => {
  const registry = await startFakeRegistry(t)
  const node = await openImages(t)
  for (const [kind, compress] of [
    ['tar+gzip', gzipSync],
    ['tar+zstd', zstdCompressSync],
    ['tar', (tar: Buffer) => tar],
  ] as const) {
    const layers = [[{ path: kind, content: kind }], [{ path: 'b' }]]
    const pushed = pushImage(registry, kind.replace('+', '-'), layers, compress, kind)
    const reference = `${registry.host}/x:${kind.replace('+', '-')}`
    const image = await node.images.pull(reference)
    t.equal(await layerText(node, image.id, 0, kind), kind)
    t.same(image.digests, [`${registry.host}/x@${pushed.digest}`])
    t.equal((await node.images.find(reference))?.id, image.id)
    t.equal((await node.images.find(`${registry.host}/x@${pushed.digest}`))?.id, image.id)
    t.equal((await node.images.pull(`${registry.host}/x@${pushed.digest}`)).id, image.id)
  }
  const { digest } = pushImage(registry, 'here', [[{ path: 'here' }]])
  const foreign = pushImage(registry, 'foreign', [[{ path: 'foreign' }]])
  const entry = (of: string, architecture: string) => ({
    ...{ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: of, size: 1 },
    platform: { os: 'linux', architecture },
  })
  const index = {
    schemaVersion: 2,
    mediaType: ociIndex,
    manifests: [entry(foreign.digest, 's390x'), entry(digest, process.arch === 'x64' ? 'amd64' : process.arch)],
  }
  registry.manifests.set('many', { type: ociIndex, bytes: Buffer.from(JSON.stringify(index)) })
  const image = await node.images.pull(`${registry.host}/x:many`)
  t.equal(await layerText(node, image.id, 0, 'here'), '')
})

t.test('what is here is not downloaded again, and progress is told', async (t) => {
  const registry = await startFakeRegistry(t)
  const node = await openImages(t)
  const base = [{ path: 'base', content: randomBytes(100_000) }]
  const first = pushImage(registry, '1', [base, [{ path: 'a' }]])
  pushImage(registry, '2', [base, big])
  await node.images.pull(`${registry.host}/x:1`)
  const told: PullProgress[] = []
  await node.images.pull(`${registry.host}/x:2`, { onProgress: (progress) => told.push(progress) })
  t.equal(registry.requests.filter((request) => request.includes(first.layers[0] ?? '')).length, 1)
  t.match(told.at(-1), { layers: 1, layersDone: 1 })
  t.equal(told.at(-1)?.doneBytes, told.at(-1)?.totalBytes)
  await node.close()
  t.same(leftIn(node.folder), [])
  t.same(readdirSync(join(node.folder, 'partial')), [])
})

t.test('many who want the same at once ask once', async (t) => {
  const registry = await startFakeRegistry(t)
  const node = await openImages(t)
  const { layers } = pushImage(registry, '1', [big])
  const pulled = await Promise.all(Array.from({ length: 5 }, () => node.images.pull(`${registry.host}/x:1`)))
  t.equal(new Set(pulled.map(({ id }) => id)).size, 1)
  t.equal(registry.requests.filter((request) => request.includes(layers[0] ?? '')).length, 1)
})

t.test('what is wrong, in words', async (t) => {
  const registry = await startFakeRegistry(t)
  const node = await openImages(t)
  const at = registry.host
  await t.rejects(node.images.pull(`${at}/x:none`), {
    name: 'ImageError',
    fault: 'not found',
    message: new RegExp(`cannot pull ${at}/x:none: ${at} has no manifest x:none`),
  })
  await t.rejects(node.images.pull('127.0.0.1:1/x'), {
    name: 'ImageError',
    fault: 'unavailable',
    message: /connection refused/,
  })
  await t.rejects(node.images.pull('no-such-host.invalid/x'), {
    name: 'ImageError',
    fault: 'unavailable',
    message: /cannot be resolved/,
  })
  await t.rejects(node.images.pull('UPPER'), { name: 'ImageError', fault: 'invalid name' })
  registry.manifests.set('old', {
    type: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
    bytes: Buffer.from('{"schemaVersion":1}'),
  })
  await t.rejects(node.images.pull(`${at}/x:old`), { name: 'ImageError', fault: 'unsupported', message: /schema 1/ })
  registry.manifests.set('huge', { type: ociIndex, bytes: Buffer.alloc(5 * 1024 * 1024, ' ') })
  await t.rejects(node.images.pull(`${at}/x:huge`), { name: 'ImageError', fault: 'damaged', message: /more than/ })
  registry.auth = (_, response) => {
    response.writeHead(503).end()
    return false
  }
  await t.rejects(node.images.pull(`${at}/x:1`), { name: 'ImageError', fault: 'unavailable', message: /503/ })
})

t.test('a connection that breaks is gone on with', async (t) => {
  const registry = await startFakeRegistry(t)
  const node = await openImages(t)
  const { layers } = pushImage(registry, '1', [big])
  const ranges: (string | undefined)[] = []
  registry.mischief = (request, response, bytes) => {
    if (!request.url?.includes(layers[0] ?? '')) return false
    ranges.push(request.headers.range)
    const from = Number(/\d+/.exec(request.headers.range ?? '0')?.[0])
    response.writeHead(
      from === 0 ? 200 : 206,
      from === 0 ? {} : { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` },
    )
    response.write(bytes.subarray(from, from + 1_000_000), () => {
      if (from + 1_000_000 < bytes.length) response.destroy()
      else response.end()
    })
    return true
  }
  const image = await node.images.pull(`${registry.host}/x:1`)
  t.equal(await layerText(node, image.id, 0, 'big').then((text) => text.length > 0), true)
  t.ok(ranges.length >= 4)
  t.equal(ranges[0], undefined)
  for (const range of ranges.slice(1)) t.match(range, /^bytes=[1-9]\d*-$/)
})

t.test('one that knows no ranges begins anew', async (t) => {
  const registry = await startFakeRegistry(t)
  const node = await openImages(t)
  const { layers } = pushImage(registry, '1', [big])
  let asked = 0
  registry.mischief = (request, response, bytes) => {
    if (!request.url?.includes(layers[0] ?? '')) return false
    asked++
    response.writeHead(200)
    if (asked === 1) response.write(bytes.subarray(0, 1_000_000), () => response.destroy())
    else response.end(bytes)
    return true
  }
  await node.images.pull(`${registry.host}/x:1`)
  t.equal(asked, 2)
})

t.test('a registry that hangs, or gives a byte now and then, is given up', async (t) => {
  const registry = await startFakeRegistry(t)
  const node = await openImages(t)
  const { layers } = pushImage(registry, '1', [big])
  registry.mischief = (request, response, bytes) => {
    if (!request.url?.includes(layers[0] ?? '')) return false
    response.writeHead(200)
    response.write(bytes.subarray(0, 100))
    return true
  }
  await t.rejects(node.images.pull(`${registry.host}/x:1`), {
    name: 'ImageError',
    fault: 'unavailable',
    message: /stopped in the middle/,
  })
  t.same(await node.images.list(), [])
  registry.auth = () => false
  await t.rejects(node.images.pull(`${registry.host}/x:1`), {
    name: 'ImageError',
    fault: 'unavailable',
    message: /does not answer a request/,
  })
})

t.test('a pull that is not wanted any more ends', async (t) => {
  const registry = await startFakeRegistry(t)
  const node = await openImages(t)
  pushImage(registry, '1', [big])
  registry.mischief = (_, response) => {
    response.writeHead(200)
    response.flushHeaders()
    return true
  }
  const stop = new AbortController()
  const pulling = node.images.pull(`${registry.host}/x:1`, { signal: stop.signal })
  await until(() => registry.requests.some((request) => request.includes('/blobs/')), 'a blob is asked for')
  stop.abort()
  await t.rejects(pulling)
  t.same(leftIn(node.folder), [])
})

t.test('whatever a registry lies about is noticed, and nothing of it is kept', async (t) => {
  const registry = await startFakeRegistry(t)
  const node = await openImages(t)
  const { layers, digest } = pushImage(registry, '1', [big, [{ path: 'small' }]])
  const lies: Readonly<Record<string, FakeRegistry['mischief']>> = {
    'other bytes': (_, response, bytes) => {
      const changed = Buffer.from(bytes)
      changed[100] = (changed[100] ?? 0) ^ 1
      response.end(changed)
      return true
    },
    'more bytes': (_, response, bytes) => {
      response.end(Buffer.concat([bytes, bytes]))
      return true
    },
    'endless bytes': (_, response) => {
      const more = (): void => {
        while (response.write(Buffer.alloc(65_536)));
        response.once('drain', more)
      }
      more()
      return true
    },
  }
  for (const [name, lie] of Object.entries(lies)) {
    registry.mischief = (request, response, bytes) =>
      (request.url?.includes(layers[0] ?? '') && lie?.(request, response, bytes)) || false
    await t.rejects(node.images.pull(`${registry.host}/x:1`), { name: 'ImageError', fault: 'damaged' }, name)
    t.same(await node.images.list(), [])
    t.notOk(
      existsSync(join(node.folder, 'partial', `${layers[0]?.slice(7)}.part`)),
      'what is wrong is no beginning of anything',
    )
  }
  registry.mischief = undefined
  const other = pushImage(registry, '2', [[{ path: 'other' }]])
  registry.manifests.set(digest, registry.manifests.get(other.digest) ?? { type: '', bytes: Buffer.alloc(0) })
  await t.rejects(node.images.pull(`${registry.host}/x@${digest}`), {
    name: 'ImageError',
    fault: 'damaged',
    message: /should have sent/,
  })
})

t.test('a layer that is none', async (t) => {
  const registry = await startFakeRegistry(t)
  const node = await openImages(t)
  pushImage(registry, 'cut', [big], (tar) => gzipSync(tar).subarray(0, 1_000_000))
  await t.rejects(node.images.pull(`${registry.host}/x:cut`), {
    name: 'ImageError',
    fault: 'damaged',
    message: /cannot be decompressed/,
  })
  pushImage(registry, 'text', [big], () => Buffer.from('no archive'))
  await t.rejects(node.images.pull(`${registry.host}/x:text`), { name: 'ImageError', fault: 'damaged' })
  pushImage(registry, 'xz', [big], () => Buffer.from('fd377a585a0000', 'hex'))
  await t.rejects(node.images.pull(`${registry.host}/x:xz`), {
    name: 'ImageError',
    fault: 'unsupported',
    message: /xz/,
  })
})

t.test('a layer that is larger than any', async (t) => {
  const registry = await startFakeRegistry(t)
  const node = await openImages(t)
  const tar = Buffer.concat(Array.from({ length: 40 }, () => Buffer.alloc(10_000_000)))
  pushImage(registry, 'bomb', [[{ path: 'zeros', content: tar }]], (bytes) => zstdCompressSync(bytes), 'tar+zstd')
  await t.rejects(node.images.pull(`${registry.host}/x:bomb`), {
    name: 'ImageError',
    fault: 'unsupported',
    message: /times its size/,
  })
  t.same(readdirSync(join(node.folder, 'l')), [])
})

t.test('by name and password', async (t) => {
  const registry = await startFakeRegistry(t)
  const node = await openImages(t)
  pushImage(registry, '1', [[{ path: 'a' }]])
  registry.auth = (request, response) => {
    if (request.headers.authorization === basicOf(alice)) return true
    response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    return false
  }
  const reference = `${registry.host}/x:1`
  await t.rejects(node.images.pull(reference), { name: 'ImageError', fault: 'unauthorized' })
  await t.rejects(node.images.pull(reference, { credentials: credentials(mallory) }), {
    name: 'ImageError',
    fault: 'unauthorized',
  })
  t.ok(await node.images.pull(reference, { credentials: credentials(mallory, alice) }), 'one after the other')
  const other = await openImages(
    t,
    undefined,
    `configs: { "${registry.host}": { auth: { username: alice, password: secret } } }`,
  )
  await t.rejects(
    other.images.pull(reference),
    { name: 'ImageError', fault: 'unavailable' },
    'what is said of its certificate counts: TLS',
  )
})

/** A service that gives tokens, and a registry that wants them. */
const withTokens = async (t: Test) => {
  const [registry, service] = [await startFakeRegistry(t), await startFakeRegistry(t)]
  const given: string[] = []
  service.auth = (request, response) => {
    const isAlice = request.headers.authorization === basicOf(alice)
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      if (!isAlice && !body.includes('refresh_token=again')) return void response.writeHead(401).end()
      const token = `token${given.length}`
      given.push(`${request.url} ${body}`)
      response.end(JSON.stringify({ token, expires_in: 300 }))
    })
    return false
  }
  registry.auth = (request, response) => {
    if (request.headers.authorization === `Bearer token${given.length - 1}`) return true
    const realm = `http://${service.host}/token`
    response
      .writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="reg",scope="repository:x:pull"` })
      .end()
    return false
  }
  return { registry, service, given }
}

t.test('with a token of a service', async (t) => {
  const { registry, service, given } = await withTokens(t)
  const node = await openImages(t)
  pushImage(registry, '1', [big, [{ path: 'b' }]])
  const reference = `${registry.host}/x:1`
  await t.rejects(node.images.pull(reference), { name: 'ImageError', fault: 'unauthorized', message: /gives no token/ })
  await node.images.pull(reference, { credentials: credentials(alice) })
  t.same(given, ['/token?service=reg&scope=repository%3Ax%3Apull '], 'one token is enough')
  t.notOk(
    registry.requests.some((request) => request.includes('Basic')),
    'the password is for the service alone',
  )
  await node.images.pull(reference, { credentials: credentials({ kind: 'identity token', token: 'again' }) })
  t.match(service.requests.at(-1), /^POST /)
  t.match(given.at(-1), /grant_type=refresh_token/)
})

t.test('a token that has ended is changed for another', async (t) => {
  const { registry, given } = await withTokens(t)
  const http = createHttpClient()
  t.teardown(http.close)
  let now = 1_000_000
  const endpoint = {
    base: new URL(`http://${registry.host}`),
    mirrorOf: undefined,
    authority: undefined,
    isVerified: true,
    credential: undefined,
  }
  const authorizer = createAuthorizer(http, endpoint, 'repository:x:pull', alice, () => now)
  t.equal(authorizer.header(), undefined)
  const challenge = `Bearer realm="${`http://${registry.host}`}/none"`
  await t.rejects(authorizer.answer(challenge, undefined), { name: 'ImageError' })
  const [, realm = ''] = /realm="([^"]+)"/.exec(await realmOf(registry)) ?? []
  t.ok(await authorizer.answer(`Bearer realm="${realm}"`, undefined))
  t.equal(authorizer.header(), 'Bearer token0')
  now += 300_000
  t.equal(authorizer.header(), undefined)
  t.ok(await authorizer.answer(`Bearer realm="${realm}"`, undefined))
  t.equal(given.length, 2)
})

const realmOf = async (registry: FakeRegistry): Promise<string> =>
  (await fetch(`http://${registry.host}/v2/`)).headers.get('www-authenticate') ?? ''

t.test('where a registry sends us, we are nobody', async (t) => {
  const [registry, storage] = [await startFakeRegistry(t), await startFakeRegistry(t)]
  const node = await openImages(t)
  pushImage(registry, '1', [big])
  for (const [digest, bytes] of registry.blobs) storage.blobs.set(digest, bytes)
  registry.auth = (request, response) => {
    if (request.headers.authorization === basicOf(alice)) return true
    response.writeHead(401, { 'www-authenticate': 'Basic' }).end()
    return false
  }
  registry.mischief = (request, response) => {
    response.writeHead(307, { location: `http://${storage.host}${request.url}` }).end()
    return true
  }
  await node.images.pull(`${registry.host}/x:1`, { credentials: credentials(alice) })
  t.equal(storage.requests.length, 2)
  for (const request of storage.requests) t.notMatch(request, /Basic/)
  registry.mischief = (request, response) => {
    response.writeHead(302, { location: request.url ?? '' }).end()
    return true
  }
  pushImage(registry, '2', [[{ path: 'other' }]])
  await t.rejects(node.images.pull(`${registry.host}/x:2`, { credentials: credentials(alice) }), {
    name: 'ImageError',
    message: /again and again/,
  })
  registry.mischief = (_, response) => {
    response.writeHead(302, { location: 'file:///etc/passwd' }).end()
    return true
  }
  await t.rejects(node.images.pull(`${registry.host}/x:2`, { credentials: credentials(alice) }), {
    name: 'ImageError',
    fault: 'damaged',
  })
})

t.test('mirrors are asked first, and as nobody', async (t) => {
  const [registry, mirror] = [await startFakeRegistry(t), await startFakeRegistry(t)]
  const mirrors = `mirrors: { "${registry.host}": { endpoint: ["http://${mirror.host}"] } }`
  const node = await openImages(t, undefined, mirrors)
  pushImage(registry, 'both', [[{ path: 'a' }]])
  pushImage(mirror, 'both', [[{ path: 'a' }]])
  pushImage(registry, 'only', [[{ path: 'b' }]])
  await node.images.pull(`${registry.host}/x:both`, { credentials: credentials(alice) })
  t.same(registry.requests, [])
  t.match(mirror.requests[0], new RegExp(`\\?ns=${encodeURIComponent(registry.host)}$`))
  await node.images.pull(`${registry.host}/x:only`)
  t.ok(registry.requests.length > 0)
  mirror.auth = (_, response) => {
    response.writeHead(500).end()
    return false
  }
  pushImage(registry, 'third', [[{ path: 'c' }]])
  t.ok(await node.images.pull(`${registry.host}/x:third`), 'one that fails is passed over')
  const broken = await openImages(t, undefined, 'mirrors: 1')
  await t.rejects(broken.images.pull(`${registry.host}/x:both`), {
    name: 'ImageError',
    message: /registries\.yaml.*mirrors/,
  })
})

t.test('killed in the middle of a pull, it goes on where it was', async (t) => {
  const registry = await startFakeRegistry(t)
  const folder = ownFolder()
  const { layers } = pushImage(registry, '1', [[{ path: 'first' }], big])
  registry.mischief = (request, response, bytes) => {
    if (!request.url?.includes(layers[1] ?? '')) return false
    response.writeHead(200, { 'content-length': bytes.length })
    response.write(bytes.subarray(0, 2_000_000))
    return true
  }
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'test/support/pulling-child.ts', folder, `${registry.host}/x:1`],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  t.teardown(() => child.kill('SIGKILL'))
  const digest = parseDigest(layers[1] ?? '')
  const name = digest ? `${hexOf(digest)}.part` : ''
  const written = (): number =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith(name))
      .map((file) => statSync(join(folder, file), { throwIfNoEntry: false })?.size ?? 0)[0] ?? 0
  const first = `${layers[0]?.slice('sha256:'.length)}.part`
  const isFirstDone = (): boolean =>
    readdirSync(join(folder, 'l')).length === 1 &&
    !readdirSync(folder, { recursive: true, encoding: 'utf8' }).some((file) => file.endsWith(first))
  await until(
    () => existsSync(join(folder, 'l')) && written() >= 2_000_000 && isFirstDone(),
    'half of it is here',
    30_000,
  )
  child.kill('SIGKILL')
  await until(() => child.signalCode !== null, 'it has ended')
  registry.mischief = undefined
  const before = registry.requests.length
  const node = await openImages(t, folder)
  t.same(leftIn(folder), [], 'nothing of the killed process is left')
  t.equal(statSync(join(folder, 'partial', name)).size, 2_000_000)
  const sent: number[] = []
  registry.mischief = (request) => {
    if (request.url?.includes(layers[1] ?? '')) sent.push(Number(/\d+/.exec(request.headers.range ?? '0')?.[0]))
    return false
  }
  const image = await node.images.pull(`${registry.host}/x:1`)
  t.same(sent, [2_000_000])
  t.notOk(
    registry.requests.slice(before).some((request) => request.includes(layers[0] ?? '')),
    'a layer that was whole is not asked for',
  )
  t.ok((await layerText(node, image.id, 1, 'big')).length > 0)
  t.same(readdirSync(join(folder, 'partial')), [])
})

t.test('a full disk is told, leaves nothing behind, and the pull goes on when there is room', async (t) => {
  const registry = await startFakeRegistry(t)
  const folder = `/run/images-${process.pid}`
  mkdirSync(folder)
  await runner.run('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', folder])
  t.teardown(async () => void (await runner.run('umount', ['--lazy', folder])))
  const node = await openImages(t, folder)
  pushImage(registry, '1', [big])
  await t.rejects(node.images.pull(`${registry.host}/x:1`), {
    name: 'ImageError',
    fault: 'disk',
    message: /cannot pull .*(the disk is full|ENOSPC)/,
  })
  t.same([readdirSync(join(folder, 'l')), leftIn(folder), readdirSync(join(folder, 'images'))], [[], [], []])
  await runner.run('mount', ['-o', 'remount,size=64m', folder])
  const image = await node.images.pull(`${registry.host}/x:1`)
  t.ok((await layerText(node, image.id, 0, 'big')).length > 0)
})

const missing = ['docker-registry', 'skopeo', 'umoci', 'busybox'].filter(
  (program) => spawnSync('which', [program]).status !== 0,
)
const withoutTools = missing.length === 0 ? false : `${missing.join(', ')} not installed`

t.test("Debian's registry, with images that others have made", { skip: withoutTools }, async (t) => {
  const folder = ownFolder()
  const port = await freePort()
  const config = join(folder, 'config.yml')
  writeFileSync(
    config,
    `version: 0.1\nstorage: { filesystem: { rootdirectory: ${folder}/storage } }\nhttp: { addr: "127.0.0.1:${port}" }\n`,
  )
  const server = spawn('docker-registry', ['serve', config], { stdio: 'ignore' })
  t.teardown(() => server.kill('SIGKILL'))
  const host = `127.0.0.1:${port}`
  await until(
    () =>
      fetch(`http://${host}/v2/`).then(
        ({ ok }) => ok,
        () => false,
      ),
    'the registry answers',
    20_000,
  )
  mkdirSync(join(folder, 'rootfs/bin'), { recursive: true })
  await runner.run('cp', ['/usr/bin/busybox', join(folder, 'rootfs/bin/busybox')])
  const layout = `${folder}/oci:bb`
  await runner.run('umoci', ['init', '--layout', `${folder}/oci`])
  await runner.run('umoci', ['new', '--image', layout])
  await runner.run('umoci', ['insert', '--image', layout, join(folder, 'rootfs'), '/'])
  await runner.run('umoci', ['insert', '--image', layout, '--whiteout', '/bin/none'])
  await runner.run('umoci', ['config', '--image', layout, '--config.cmd', '/bin/busybox', '--config.env', 'A=b'])
  const push = ['copy', '--insecure-policy', '--dest-tls-verify=false', `oci:${layout}`]
  await runner.run('skopeo', [...push, `docker://${host}/team/bb:oci`])
  await runner.run('skopeo', [...push, '--format=v2s2', `docker://${host}/team/bb:docker`])
  const node = await openImages(t)
  for (const tag of ['oci', 'docker']) {
    const image = await node.images.pull(`${host}/team/bb:${tag}`)
    t.same(image.config.cmd, ['/bin/busybox'])
    const { folder: layers, names } = await node.roots.layersOf(image.id)
    t.ok(statSync(join(layers, names[0] ?? '', 'bin/busybox')).size > 100_000)
  }
  await t.rejects(node.images.pull(`${host}/team/none`), { name: 'ImageError', fault: 'not found' })
})
