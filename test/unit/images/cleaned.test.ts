/** What is made of the archive of a layer before it is unpacked: read back as any archive. */
import t from 'tap'
import { type CleanLimits, cleanLayer, type NodeAbilities } from '../../../src/images/layer/cleaned.ts'
import { parseLayerPath } from '../../../src/images/layer/layer-path.ts'
import type { Below, LowerLayers } from '../../../src/images/layer/lower-layers.ts'
import { limits } from '../../../src/images/limits.ts'
import { createByteSource } from '../../../src/images/tar/byte-source.ts'
import type { Entry } from '../../../src/images/tar/entry.ts'
import { createTarReader } from '../../../src/images/tar/reader.ts'
import { type Made, tarArchive } from '../../support/tar-archive.ts'

const root: NodeAbilities = {
  ...{ hasUser: (id) => id >= 0, hasGroup: (id) => id >= 0 },
  ...{ canMakeDevices: true, overlayXattrs: 'trusted' },
}
const user: NodeAbilities = {
  ...{ hasUser: (id) => id === 0, hasGroup: (id) => id === 0 },
  ...{ canMakeDevices: false, overlayXattrs: 'user' },
}

async function* inPieces(bytes: Buffer, size = 1_000) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const attributes = { mode: 0o1777, uid: 1, gid: 2, mtime: '7', xattrs: [] }
const lower = (at: Readonly<Record<string, Below>>): LowerLayers => ({ at: async (path) => at[path] })

interface Case {
  readonly below?: LowerLayers | undefined
  readonly abilities?: NodeAbilities
  readonly limits?: Partial<CleanLimits>
}

const clean = async (made: readonly Made[] | Buffer, options: Case = {}) => {
  const all = { ...limits, ...options.limits }
  const archive = Buffer.isBuffer(made) ? made : tarArchive(...made)
  const layer = cleanLayer(
    createTarReader(createByteSource(inPieces(archive)), all),
    'below' in options ? options.below : lower({}),
    options.abilities ?? root,
    all,
  )
  const entries: (Entry & { readonly content: string })[] = []
  const reader = createTarReader(createByteSource(layer.chunks), limits)
  for (let entry = await reader.next(); entry; entry = await reader.next()) {
    const parts: Buffer[] = []
    for (let part = await reader.data(); part; part = await reader.data()) parts.push(part)
    entries.push({ ...entry, content: Buffer.concat(parts).toString() })
  }
  return { entries, facts: layer.facts(), paths: entries.map(({ path }) => path) }
}

t.test('folders come before what is in them, and paths are plain', async (t) => {
  const { paths, entries } = await clean([{ path: '/usr//./bin/x', content: 'hello' }, { path: './y' }])
  t.same(paths, ['./', './usr/', './usr/bin/', './usr/bin/x', './y'])
  t.equal(entries[3]?.content, 'hello')
  t.equal(entries[1]?.mode, 0o755)
})

t.test('content of any size arrives as it is, with holes', async (t) => {
  const content = 'x'.repeat(300_001)
  const sparse = {
    size: 1e12,
    segments: [
      { offset: 512, bytes: 1024 },
      { offset: 9e11, bytes: 3 },
    ],
  }
  const many = Array.from({ length: 60 }, (_, n) => ({ offset: n * 2048, bytes: 512 }))
  const { entries } = await clean([
    { path: 'big', content },
    { path: 'holes', content: 'y'.repeat(1027), sparse },
    { path: 'many', content: 'z'.repeat(60 * 512), sparse: { size: 200_000, segments: many } },
  ])
  t.equal(entries[1]?.content, content)
  t.same(entries[2]?.sparse, { size: 1e12, segments: [...sparse.segments, { offset: 1e12, bytes: 0 }] })
  t.same(entries[3]?.sparse?.segments.slice(0, 60), many)
  t.equal(entries[3]?.sparse?.size, 200_000)
})

t.test('long names, large numbers, fractions of seconds and attributes', async (t) => {
  const path = `${'d'.repeat(200)}/${'f'.repeat(250)}`
  const xattrs = [
    { name: 'user.a', value: 'b\0\xff' },
    { name: 'security.capability', value: '\x01\0' },
  ]
  const { entries } = await clean([
    { path, uid: 3_000_000_000, gid: 2 ** 31, mtime: '1600000000.125', mode: 0o4711, xattrs },
  ])
  t.match(entries.at(-1), {
    path: `./${path}`,
    uid: 3_000_000_000,
    gid: 2 ** 31,
    mtime: '1600000000.125',
    mode: 0o4711,
    xattrs,
  })
})

t.test('attributes that are for the kernel, or of the overlay itself, are left out', async (t) => {
  const names = [
    'user.overlay.opaque',
    'trusted.overlay.redirect',
    'trusted.x',
    'security.selinux',
    'security.ima',
    'user.%',
    'system.posix_acl_access',
  ]
  const { entries, facts } = await clean([{ path: 'd/', xattrs: names.map((name) => ({ name, value: 'y' })) }])
  t.same(
    entries.at(-1)?.xattrs.map(({ name }) => name),
    ['system.posix_acl_access'],
  )
  t.equal(facts.xattrsLeftOut, 6)
})

const escapes: readonly (readonly [name: string, made: readonly Made[]])[] = [
  ['..', [{ path: '../etc/passwd' }]],
  ['.. inside', [{ path: 'a/../../etc/passwd' }]],
  ['a whiteout of ..', [{ path: '.wh...' }]],
  ['a whiteout of .', [{ path: '.wh..' }]],
  ['a whiteout of nothing', [{ path: 'a/.wh.' }]],
  ['below a whiteout', [{ path: 'a/.wh.b/c' }]],
  ['a hard link out', [{ path: 'x', kind: 'hardlink', link: '../../etc/shadow' }]],
  ['a hard link to what is not there', [{ path: 'x', kind: 'hardlink', link: '/etc/shadow' }]],
  ['a hard link to a folder', [{ path: 'd/' }, { path: 'x', kind: 'hardlink', link: 'd' }]],
  ['a file with files below it', [{ path: 'a' }, { path: 'a/b' }]],
  ['a folder that becomes a link', [{ path: 'a/' }, { path: 'a', kind: 'symlink', link: '/etc' }]],
  [
    'links in a circle',
    [{ path: 'a', kind: 'symlink', link: 'b' }, { path: 'b', kind: 'symlink', link: 'a' }, { path: 'a/x' }],
  ],
  ['a root that is a link', [{ path: './', kind: 'symlink', link: '/' }]],
]

for (const [name, made] of escapes)
  t.test(`refused: ${name}`, async (t) => t.rejects(clean(made), { name: 'ImageError', fault: 'damaged' }))

t.test('what is behind a link goes where the link leads in the image', async (t) => {
  const { paths } = await clean([
    { path: 'lib', kind: 'symlink', link: '/usr/lib' },
    { path: 'lib/a' },
    { path: 'out', kind: 'symlink', link: '../../../../etc' },
    { path: 'out/passwd' },
    { path: 'usr/up', kind: 'symlink', link: '../etc' },
    { path: 'usr/up/x' },
  ])
  t.same(
    paths.filter((path) => !path.endsWith('/')),
    ['./lib', './usr/lib/a', './out', './etc/passwd', './usr/up', './etc/x'],
  )
})

t.test('links and folders of the layers below', async (t) => {
  const below = lower({
    '': { kind: 'folder', attributes },
    tmp: { kind: 'folder', attributes },
    lib: { kind: 'symlink', to: 'usr/lib' },
  })
  const { entries, paths } = await clean([{ path: 'tmp/a' }, { path: 'lib/b' }], { below })
  t.match(
    entries.find(({ path }) => path === './tmp/'),
    attributes,
    'a folder that is not named stays what it was',
  )
  t.ok(paths.includes('./usr/lib/b'))
})

t.test('whiteouts become devices, and folders that hide what is below get their mark', async (t) => {
  const { entries, facts } = await clean([
    { path: 'd/', mode: 0o700, uid: 4 },
    { path: 'd/.wh..wh..opq' },
    { path: 'd/new' },
    { path: '.wh.gone' },
    { path: 'e/.wh..wh..opq' },
    { path: '.wh..wh.plnk/1.2' },
    { path: '.wh..wh.aufs' },
  ])
  t.match(
    entries.find(({ path }) => path === './gone'),
    { kind: 'character device', device: [0, 0] },
  )
  const mark = [{ name: 'trusted.overlay.opaque', value: 'y' }]
  t.match(entries.at(-2), { path: './d/', mode: 0o700, uid: 4, xattrs: mark })
  t.match(entries.at(-1), { path: './e/', xattrs: mark })
  t.same(facts.opaque, ['d', 'e'])
  t.notOk(entries.some(({ path }) => path.includes('.wh.')))
})

t.test('a folder in the place of what a whiteout took away hides it', async (t) => {
  for (const made of [
    [{ path: '.wh.d' }, { path: 'd/' }, { path: 'd/x' }],
    [{ path: 'd/' }, { path: '.wh.d' }, { path: 'd/x' }],
    [{ path: '.wh.d' }, { path: 'd/x' }],
  ]) {
    const { facts, entries } = await clean(made)
    t.same(facts.opaque, ['d'])
    t.same(entries.at(-1)?.xattrs, [{ name: 'trusted.overlay.opaque', value: 'y' }])
  }
  const { paths } = await clean([{ path: 'f' }, { path: '.wh.f' }])
  t.same(paths, ['./', './f'], 'a whiteout is about the layers below')
})

t.test('the lowest layer has nothing to take away', async (t) => {
  const { paths, facts } = await clean([{ path: '.wh.a' }, { path: 'd/.wh..wh..opq' }, { path: 'b' }], {
    below: undefined,
  })
  t.same(paths, ['./', './b'])
  t.same(facts.opaque, [])
})

t.test('as an ordinary user', async (t) => {
  const { entries, facts } = await clean(
    [
      { path: 'a', uid: 33, gid: 0, mode: 0o6755 },
      { path: 'b', uid: 0, gid: 0, mode: 0o4755 },
      { path: 'sda', kind: 'block device', device: [8, 0] },
      { path: 'same', kind: 'hardlink', link: 'sda' },
      { path: 'd/.wh..wh..opq' },
      { path: '.wh.gone' },
    ],
    { abilities: user },
  )
  t.match(
    entries.find(({ path }) => path === './a'),
    { uid: 0, gid: 0, mode: 0o755 },
    'root lends its rights to nobody',
  )
  t.match(
    entries.find(({ path }) => path === './b'),
    { uid: 0, mode: 0o4755 },
  )
  t.notOk(entries.some(({ path }) => path === './sda' || path === './same'))
  t.ok(entries.some(({ path, device }) => path === './gone' && device[0] === 0 && device[1] === 0))
  t.same(entries.at(-1)?.xattrs, [{ name: 'user.overlay.opaque', value: 'y' }])
  t.match(facts, { foreignOwners: 1, devicesLeftOut: 1 })
})

t.test('devices and fifos as root', async (t) => {
  const { entries } = await clean([
    { path: 'null', kind: 'character device', device: [1, 3], mode: 0o666 },
    { path: 'pipe', kind: 'fifo' },
    { path: 'l', kind: 'hardlink', link: './null' },
  ])
  t.match(entries.slice(1), [
    { path: './null', kind: 'character device', device: [1, 3] },
    { path: './pipe', kind: 'fifo' },
    { path: './l', kind: 'hardlink', link: './null' },
  ])
})

const tooMuch: readonly (readonly [name: string, made: readonly Made[], limits: Partial<CleanLimits>])[] = [
  ['entries', [{ path: 'a' }, { path: 'b' }, { path: 'c' }], { layerEntries: 2 }],
  ['entries that are implied', [{ path: 'a/b/c/d' }], { layerEntries: 3 }],
  [
    'bytes',
    [
      { path: 'a', content: 'xxx' },
      { path: 'b', content: 'xxx' },
    ],
    { layerBytes: 5 },
  ],
  ['depth', [{ path: 'a/'.repeat(300) }], {}],
  [
    'depth behind links',
    [{ path: `${'a/'.repeat(200)}l`, kind: 'symlink', link: 'b/'.repeat(100) }, { path: `${'a/'.repeat(200)}l/x` }],
    {},
  ],
  ['a long name', [{ path: 'x'.repeat(256) }], {}],
  ['a long path', [{ path: Array.from({ length: 20 }, () => 'x'.repeat(250)).join('/') }], {}],
  ['a table of paths', [{ path: 'a' }, { path: 'b' }], { pathTableBytes: 200 }],
]

for (const [name, made, some] of tooMuch)
  t.test(`too much: ${name}`, async (t) =>
    t.rejects(clean(made, { limits: some }), { name: 'ImageError', fault: 'unsupported' }),
  )

t.test('archives that are cut off or changed anywhere are refused, or read without harm', async (t) => {
  const archive = tarArchive(
    { path: 'a/b', content: 'hello' },
    { path: 'x'.repeat(150) },
    { path: 'l', kind: 'symlink', link: 'a' },
  )
  for (let at = 0; at < archive.length; at += 61) {
    const changed = Buffer.from(archive)
    changed[at] = (changed[at] ?? 0) ^ 0xff
    for (const bytes of [changed, archive.subarray(0, at)])
      try {
        const { paths } = await clean(bytes)
        for (const path of paths) t.match(path, /^\.\//)
      } catch (error) {
        t.match(error, { name: 'ImageError' }, `at ${at}`)
      }
  }
})

t.test('names and attributes before a file are bounded', async (t) => {
  const path = 'x'.repeat(2_000_000)
  await t.rejects(clean([{ path }]), { fault: 'unsupported', message: /names and attributes/ })
})

t.test('paths', async (t) => {
  t.equal(parseLayerPath('/a//b/./c/', limits), 'a/b/c')
  t.equal(parseLayerPath('.', limits), '')
})
