/** Layers as the kernel sees them, and a store that other processes change and that is damaged. */
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createCommandRunner } from '../../src/host/command.ts'
import { type CollectionPolicy, defaultPolicy } from '../../src/images/collect/candidates.ts'
import { collectImages } from '../../src/images/collect/collect.ts'
import { storeCollection } from '../../src/images/collect/store-collection.ts'
import type { RootLayers } from '../../src/images/images.ts'
import { readAbilities } from '../../src/images/layer/abilities.ts'
import { limits } from '../../src/images/limits.ts'
import { openNodeImages } from '../../src/images/node/open-images.ts'
import { damageNames, damages } from '../support/damage.ts'
import { configOf, imageOf, layerOf, leftIn, openTestStore, ownFolder } from '../support/image-store.ts'
import { type Made, tarArchive } from '../support/tar-archive.ts'

const runner = createCommandRunner()

/** The root of a container, read-only. */
const mounted = async (t: Test, { folder, names, mountOptions }: RootLayers): Promise<string> => {
  const target = ownFolder()
  // Relative to their folder, as many as there may be.
  const lower = names.toReversed().join(':')
  const options = [`lowerdir=${lower}${names.length === 1 ? ':.' : ''}`, ...mountOptions].join(',')
  await runner.run('sh', [
    '-c',
    'cd "$1" && exec mount -t overlay -o "$2" overlay "$3"',
    'mount',
    folder,
    options,
    target,
  ])
  t.teardown(() => runner.run('umount', [target]))
  return target
}

const text = (file: string): string => readFileSync(file, 'utf8')
const isWhole = (await readAbilities()).canMakeDevices

t.test('the root of an image is what its layers say', async (t) => {
  const { store } = await openTestStore(t)
  const { image } = await store.images.add(
    imageOf([
      [
        { path: './', mode: 0o755 },
        { path: 'etc/', mode: 0o750 },
        { path: 'etc/old', content: 'old' },
        { path: 'etc/kept', content: 'kept' },
        { path: 'dir/a', content: 'a' },
        { path: 'usr/lib/', mode: 0o755 },
        { path: 'lib', kind: 'symlink', link: 'usr/lib' },
        { path: 'hidden/below', content: 'below' },
      ],
      [
        { path: 'etc/.wh.old' },
        { path: 'etc/new', content: 'new', mode: 0o4711 },
        { path: 'etc/same', kind: 'hardlink', link: 'etc/new' },
        { path: 'dir/.wh..wh..opq' },
        { path: 'dir/b', content: 'b' },
        { path: 'lib/x', content: 'x' },
        { path: '.wh.hidden' },
        { path: 'hidden/' },
        {
          path: 'hole',
          content: 'x'.repeat(512),
          sparse: { size: 1e9, segments: [{ offset: 5e8 - (5e8 % 512), bytes: 512 }] },
        },
      ],
    ]),
  )
  const root = await mounted(t, await store.roots.layersOf(image.id))
  t.same(readdirSync(join(root, 'etc')).sort(), ['kept', 'new', 'same'], 'what was taken away is gone')
  t.equal(lstatSync(join(root, 'etc')).mode & 0o7777, 0o750, 'a folder that the layer did not name stays what it was')
  t.equal(lstatSync(join(root, 'etc/new')).mode & 0o7777, 0o4711)
  t.equal(lstatSync(join(root, 'etc/new')).ino, lstatSync(join(root, 'etc/same')).ino)
  t.same(readdirSync(join(root, 'dir')), ['b'])
  t.same(readdirSync(join(root, 'hidden')), [])
  t.equal(text(join(root, 'usr/lib/x')), 'x')
  t.ok(lstatSync(join(root, 'lib')).isSymbolicLink())
  const { size, blocks } = lstatSync(join(root, 'hole'))
  t.equal(size, 1e9)
  t.ok(blocks * 512 < 1e6, 'holes take no room')
})

t.test('an image of as many layers as there may be is mounted', async (t) => {
  const { store } = await openTestStore(t)
  const layers = Array.from({ length: limits.layers }, (_, n) => [{ path: `f${n}`, content: `${n}` }])
  const { image } = await store.images.add(imageOf(layers))
  const root = await mounted(t, await store.roots.layersOf(image.id))
  t.equal(readdirSync(root).length, limits.layers)
})

t.test(
  'owners, devices and attributes',
  { skip: isWhole ? false : 'this needs all ids and the right to make devices' },
  async (t) => {
    const { store } = await openTestStore(t)
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex').toString('latin1')
    const { image } = await store.images.add(
      imageOf([
        [
          { path: 'www/', uid: 33, gid: 34 },
          {
            path: 'www/f',
            uid: 1e5,
            gid: 2e5,
            mtime: '1600000000.5',
            xattrs: [{ name: 'security.capability', value: capability }],
          },
          { path: 'null', kind: 'character device', device: [1, 3], mode: 0o666 },
          { path: 'pipe', kind: 'fifo' },
        ],
      ]),
    )
    const { folder, names } = await store.roots.layersOf(image.id)
    const layer = join(folder, names[0] ?? '')
    t.match(lstatSync(join(layer, 'www')), { uid: 33, gid: 34 })
    t.match(lstatSync(join(layer, 'www/f')), { uid: 1e5, gid: 2e5, mtimeMs: 1_600_000_000_500 })
    t.equal(lstatSync(join(layer, 'null')).rdev, 0x103)
    t.ok(lstatSync(join(layer, 'pipe')).isFIFO())
    const back = await runner.run('tar', ['--xattrs', '--xattrs-include=*', '-C', layer, '--format=pax', '-c', 'www/f'])
    t.match(back, /SCHILY\.xattr\.security\.capability=/)
    t.same(image.limitations, [])
  },
)

t.test('what this user cannot make is told', { skip: isWhole ? 'this node can make all of it' : false }, async (t) => {
  const { store } = await openTestStore(t)
  const { image } = await store.images.add(
    imageOf([
      [
        { path: 'f', uid: 33_000 },
        { path: 'null', kind: 'character device', device: [1, 3] },
      ],
    ]),
  )
  t.match(image.limitations, [/1 of its files have owners/, /1 of its device files/])
  t.same((await store.roots.layersOf(image.id)).mountOptions, ['userxattr'])
})

t.test('nothing outside of the layer is touched', async (t) => {
  const outside = ownFolder()
  writeFileSync(join(outside, 'f'), 'untouched')
  const { store, folder } = await openTestStore(t)
  const attacks: readonly (readonly Made[])[] = [
    [
      { path: 'l', kind: 'symlink', link: outside },
      { path: 'l/f', content: 'changed' },
    ],
    [
      { path: 'l', kind: 'symlink', link: join(outside, 'f') },
      { path: 'l', content: 'changed' },
    ],
    [
      { path: 'l', kind: 'symlink', link: '../../../..' },
      { path: `l${outside}/f`, content: 'changed' },
    ],
    [{ path: `../../../../../..${outside}/f`, content: 'changed' }],
    [{ path: `${outside}/f`, content: 'changed' }],
    [
      { path: 'h', kind: 'hardlink', link: join(outside, 'f') },
      { path: 'h', content: 'changed' },
    ],
    [
      { path: 'a', kind: 'symlink', link: '/' },
      { path: 'b', kind: 'symlink', link: 'a' },
      { path: `b${outside}/f`, content: 'changed' },
    ],
  ]
  for (const [at, attack] of attacks.entries()) {
    const names = [`docker.io/library/attack:${at}`]
    await store.images
      .add(imageOf([[{ path: 'base' }], attack], names))
      .catch((error: unknown) => t.match(error, { name: 'ImageError' }))
    t.equal(text(join(outside, 'f')), 'untouched')
    t.same(readdirSync(outside), ['f'])
  }
  await store.close()
  t.same(leftIn(folder), [], 'nothing half-made is left')
})

t.test('a layer that is not what its digest says is not kept', async (t) => {
  const { store, folder } = await openTestStore(t)
  const [good, bad] = [tarArchive({ path: 'a' }), tarArchive({ path: 'b' })]
  const source = { ...imageOf([]), config: configOf([good]), layers: 1, layer: () => layerOf(bad) }
  await t.rejects(store.images.add(source), {
    name: 'ImageError',
    fault: 'damaged',
    message: /a layer is sha256.*and should be/,
  })
  t.same([readdirSync(join(folder, 'l')), readdirSync(join(folder, 'images'))], [[], []])
})

t.test('a program that cannot be started fails the layer, not the process', async (t) => {
  const child = join(import.meta.dirname, '../support/unstarted-child.ts')
  // In a mount namespace of its own, unshare is no program.
  const script = 'mount --bind /dev/null "$(command -v unshare)" && exec "$@"'
  const words = ['--mount', 'sh', '-c', script, 'sh', process.execPath, child, ownFolder()]
  t.match(await runner.run('unshare', words), /^disk: unpacking a layer: .*unshare EACCES/)
})

t.test('images share layers, and the last one takes them along', async (t) => {
  const { store, folder } = await openTestStore(t)
  const base: readonly Made[] = [{ path: 'base', content: 'b' }]
  const { image: a } = await store.images.add(imageOf([base, [{ path: 'a' }]], ['x.io/a:1']))
  const { image: b } = await store.images.add(imageOf([base, [{ path: 'b' }]], ['x.io/b:1', 'x.io/b:2']))
  const [ofA, ofB] = [await store.roots.layersOf(a.id), await store.roots.layersOf(b.id)]
  t.equal(ofA.names[0], ofB.names[0])
  t.equal(readdirSync(join(folder, 'l')).length, 3)
  t.same((await store.images.list()).map(({ names }) => names).sort(), [['x.io/a:1'], ['x.io/b:1', 'x.io/b:2']])
  await store.images.remove(a.id)
  t.ok(existsSync(join(folder, 'l', ofB.names[0] ?? '')))
  t.equal(await store.images.find('x.io/a:1'), undefined)
  await store.sweeper.untag('x.io/b:1')
  t.same((await store.images.find('x.io/b:2'))?.names, ['x.io/b:2'])
  await store.sweeper.untag('x.io/b:2')
  for (const each of ['l', 'layers', 'images', 'names']) t.same(readdirSync(join(folder, each)), [], each)
  await store.images.remove(a.id)
})

t.test('a name moves to another image', async (t) => {
  const { store } = await openTestStore(t)
  const { image: first } = await store.images.add(imageOf([[{ path: 'a' }]], ['x.io/a:1']))
  const { image: second } = await store.images.add(imageOf([[{ path: 'b' }]], ['x.io/a:1']))
  t.equal((await store.images.find('x.io/a:1'))?.id, second.id)
  t.same((await store.images.find(first.id))?.names, [])
})

t.test('what is held stays, whoever asks, until it is released', async (t) => {
  const folder = ownFolder()
  const [{ store: agent }, { store: other }] = [await openTestStore(t, folder), await openTestStore(t, folder)]
  const { image } = await agent.images.add(imageOf([[{ path: 'a' }]]))
  await agent.roots.hold(image.id, 'pod_1.main')
  await agent.roots.hold(image.id, 'pod_1.main')
  await agent.roots.hold(image.id, 'pod_2.main')
  t.same((await other.roots.held()).map(({ user }) => user).sort(), ['pod_1.main', 'pod_2.main'])
  await t.rejects(other.images.remove(image.id), {
    name: 'ImageError',
    fault: 'in use',
    message: /pod_1\.main, pod_2\.main/,
  })
  t.ok(await other.images.find(image.id))
  for (const user of ['pod_1.main', 'pod_2.main', 'nobody']) await agent.roots.release(image.id, user)
  await other.images.remove(image.id)
  await t.rejects(agent.roots.hold(image.id, 'pod_3.main'), { name: 'ImageError', fault: 'not found' })
  t.same(await agent.roots.held(), [])
  await t.rejects(agent.roots.hold(image.id, '../x'), /cannot be the user/)
})

t.test('a removal that was interrupted is finished at the next start, or taken back', async (t) => {
  for (const isHeld of [false, true]) {
    const { store, folder } = await openTestStore(t)
    const { image } = await store.images.add(imageOf([[{ path: 'a' }]]))
    if (isHeld) await store.roots.hold(image.id, 'pod')
    const file = join(folder, 'images', `${image.id.slice(7)}.json`)
    await runner.run('mv', [file, `${file}.removing`])
    const { store: again } = await openTestStore(t, folder)
    t.equal((await again.images.find(image.id)) !== undefined, isHeld)
    t.equal(readdirSync(join(folder, 'l')).length, isHeld ? 1 : 0)
  }
})

t.test('two processes unpack the same at once', async (t) => {
  const folder = ownFolder()
  const stores = [await openTestStore(t, folder), await openTestStore(t, folder), await openTestStore(t, folder)]
  const layers = [[{ path: 'a', content: 'x'.repeat(1e6) }], [{ path: 'b' }]]
  const added = await Promise.all(
    stores.flatMap(({ store }, at) => [0, 1].map((n) => store.images.add(imageOf(layers, [`x.io/a:${at}${n}`])))),
  )
  t.equal(new Set(added.map(({ image }) => image.id)).size, 1)
  t.equal((await stores[0]?.store.images.list())?.[0]?.names.length, 6)
  t.equal(readdirSync(join(folder, 'l')).length, 2)
  await Promise.all(stores.map(({ store }) => store.close()))
  t.same(leftIn(folder), [])
})

t.test('a layer that a power cut may have torn is unpacked again', async (t) => {
  const { store, folder } = await openTestStore(t)
  const source = imageOf([[{ path: 'a', content: 'whole' }]])
  const { image, settled } = await store.images.add(source)
  await settled
  const { names } = await store.roots.layersOf(image.id)
  const facts = join(folder, 'layers', `${names[0]}.json`)
  t.notMatch(text(facts), /boot/, 'what is on the disk is trusted after every boot')
  writeFileSync(facts, JSON.stringify({ ...JSON.parse(text(facts)), boot: 'another' }))
  writeFileSync(join(folder, 'l', names[0] ?? '', 'a'), '')
  t.equal(await store.images.find(image.id), undefined)
  await store.images.add(source)
  t.equal(text(join(folder, 'l', names[0] ?? '', 'a')), 'whole')
})

const damagedFiles: readonly (readonly [name: string, file: (folder: string) => string, isFound: boolean])[] = [
  [
    'the configuration of an image',
    (folder) => join(folder, 'images', readdirSync(join(folder, 'images'))[0] ?? ''),
    false,
  ],
  ['the name of an image', (folder) => join(folder, 'names', readdirSync(join(folder, 'names'))[0] ?? ''), false],
  ['facts of a layer', (folder) => join(folder, 'layers', readdirSync(join(folder, 'layers'))[0] ?? ''), true],
]

for (const [name, fileIn, isFound] of damagedFiles)
  for (const damage of damageNames)
    t.test(`${name}: ${damage}`, async (t) => {
      const { store, folder } = await openTestStore(t)
      const source = imageOf([[{ path: 'a' }]])
      const { settled } = await store.images.add(source)
      await settled
      damages[damage](fileIn(folder))
      const { store: again, notices } = await openTestStore(t, folder)
      t.equal((await again.images.find('test:1')) !== undefined, isFound)
      if (damage !== 'gone') t.match(notices.join('\n'), /set aside as .*\.damaged-/)
      await again.images.list()
      await again.images.add(source)
      t.ok(await again.images.find('test:1'), 'it is there again')
      await again.sweeper.untag('docker.io/library/test:1')
      t.same(readdirSync(join(folder, 'l')), [])
    })

t.test('a layer that is gone', async (t) => {
  const { store, folder, notices } = await openTestStore(t)
  const source = imageOf([[{ path: 'a' }], [{ path: 'b' }]])
  const { image } = await store.images.add(source)
  const { names } = await store.roots.layersOf(image.id)
  await runner.run('rm', ['-r', join(folder, 'l', names[0] ?? '')])
  t.equal(await store.images.find(image.id), undefined)
  t.match(notices, [/lacks 1 of its layers/])
  await store.images.add(source)
  t.ok(await store.images.find(image.id))
})

t.test('what is in the store beside its own is left alone', async (t) => {
  const { store, folder } = await openTestStore(t)
  writeFileSync(join(folder, 'images', 'README'), 'x')
  mkdirSync(join(folder, 'l', 'lost+found'))
  t.same(await store.images.list(), [])
  await store.sweeper.sweep(0)
  t.ok(existsSync(join(folder, 'l', 'lost+found')))
})

t.test('images that nobody uses make room, the longest unused first', async (t) => {
  let now = Date.now()
  const { store, folder } = await openTestStore(t, ownFolder(), () => now)
  const shared: readonly Made[] = [{ path: 'shared', content: 's'.repeat(1_000) }]
  const add = async (name: string) => {
    const { image, settled } = await store.images.add(
      imageOf([shared, [{ path: name, content: name }]], [`x.io/${name}:1`]),
    )
    await settled
    return image.id
  }
  const [old, held, used, young] = [await add('old'), await add('held'), await add('used'), await add('young')]
  await store.roots.hold(held, 'pod')
  now += 10 * 60_000
  await store.roots.hold(used, 'pod')
  await store.roots.release(used, 'pod')
  now += 10 * 60_000
  await store.roots.hold(young, 'pod')
  await store.roots.release(young, 'pod')
  const layers = () => readdirSync(join(folder, 'l')).length
  // As full as there are layers: five of six are too many.
  const diskOf = async () => ({ capacityBytes: 6, availableBytes: 6 - layers() })
  const collect = (chosen: CollectionPolicy) =>
    collectImages(storeCollection({ store, diskOf, now: () => now }), chosen, () => now)
  const policy = { ...defaultPolicy, highThresholdPercent: 80, lowThresholdPercent: 70 }
  t.same(await collect(policy), {
    removed: [old],
    failures: [],
    wantedBytes: 1,
    missingBytes: 0,
  })
  t.same(await collect(policy), {
    removed: [],
    failures: [],
    wantedBytes: 0,
    missingBytes: 0,
  })
  const strict = { ...policy, highThresholdPercent: 1, lowThresholdPercent: 1 }
  const { removed, missingBytes } = await collect(strict)
  t.same(removed, [used], 'what came just now stays, and what is held')
  t.ok(missingBytes > 0, 'that there is nothing else to remove is told')
  t.equal(layers(), 3)
  await store.roots.release(held, 'pod')
  now += 86_400_000
  const aged = await collect({ ...defaultPolicy, maximumAgeMs: 3_600_000 })
  t.same(aged.removed.toSorted(), [held, young].toSorted())
  t.equal(layers(), 0)
})

t.test('all images that nobody uses go at once where a node is short of disk', async (t) => {
  let now = Date.now()
  const node = await openNodeImages({ folder: ownFolder(), runner, onNotice: (why) => t.comment(why), now: () => now })
  t.teardown(node.close)
  const add = async (name: string) =>
    (await node.store.images.add(imageOf([[{ path: name }]], [`x.io/${name}:1`]))).image.id
  const [held, unused] = [await add('held'), await add('unused')]
  await node.roots.hold(held, 'pod')
  // Ages are counted from the times of files.
  now = Date.now() + 60_000
  await node.collector.removeUnused(120_000)
  t.ok(await node.images.find(unused), 'it is too young')
  now += 60_000
  await node.collector.removeUnused(120_000)
  t.notOk(await node.images.find(unused))
  t.ok(await node.images.find(held))
})

t.test('downloads and layers that nobody wants any more go', async (t) => {
  let now = Date.now()
  const { store, folder } = await openTestStore(t, ownFolder(), () => now)
  writeFileSync(join(folder, 'partial', `${'a'.repeat(64)}.part`), 'x')
  const source = imageOf([[{ path: 'a' }], [{ path: 'b' }]])
  const failing = {
    ...source,
    layer: async (index: number) => (index === 0 ? source.layer(0) : Promise.reject(new Error('gone'))),
  }
  await t.rejects(store.images.add(failing), { name: 'ImageError' })
  t.equal(readdirSync(join(folder, 'l')).length, 1, 'the first layer is there, for the next pull')
  const diskOf = async () => ({ capacityBytes: 100, availableBytes: 100 })
  const collect = (chosen: CollectionPolicy) =>
    collectImages(storeCollection({ store, diskOf, now: () => now }), chosen, () => now)
  await collect(defaultPolicy)
  t.same([readdirSync(join(folder, 'l')).length, readdirSync(join(folder, 'partial')).length], [1, 1])
  now += 2 * 86_400_000
  await collect(defaultPolicy)
  t.same(
    [readdirSync(join(folder, 'l')), readdirSync(join(folder, 'partial')), readdirSync(join(folder, 'layers'))],
    [[], [], []],
  )
})
