/** Volumes on disk: filled at once or not at all, and renewed. */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createConfigSource } from '../../../../src/agent/env/config-source.ts'
import { writeAtomicFolder } from '../../../../src/agent/volumes/atomic-folder.ts'
import { createEmptyDir } from '../../../../src/agent/volumes/empty-dir.ts'
import { createFakeNodeMounts } from '../../../../src/agent/volumes/fake-node-mounts.ts'
import { volumeConfigNames } from '../../../../src/agent/volumes/file-volumes.ts'
import { writeNote } from '../../../../src/agent/volumes/notes.ts'
import type { VolumePlugin } from '../../../../src/agent/volumes/plugin.ts'
import { createVolumePlugins } from '../../../../src/agent/volumes/plugins.ts'
import { createPodVolumes } from '../../../../src/agent/volumes/pod-volumes.ts'
import { createVolumeRefresher } from '../../../../src/agent/volumes/refresher.ts'
import { createClient } from '../../../../src/api/client.ts'
import { createFakeClock } from '../../../../src/api/clock.ts'
import {
  configMaps,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  serviceAccounts,
} from '../../../../src/api/resources.ts'
import type { Container, Pod, PodSpec } from '../../../../src/api/types/index.ts'
import { openClusterApi } from '../../../support/cluster-api.ts'
import { turns, until } from '../../../support/until.ts'

const noDrivers = {
  list: async () => [],
  find: async (name: string) => {
    throw new Error(`driver name ${name} not found`)
  },
}

const folderFor = (t: Test): string => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-volumes-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

const filesOf = (texts: Readonly<Record<string, string>>) =>
  new Map(Object.entries(texts).map(([path, text]) => [path, { content: Buffer.from(text), mode: 0o640 }]))

t.test('the files of a folder change together', async (t) => {
  const folder = join(folderFor(t), 'v')
  await writeAtomicFolder(folder, filesOf({ token: '1', 'deep/er/file': 'x', gone: 'y' }))
  t.equal(readFileSync(join(folder, 'deep/er/file'), 'utf8'), 'x')
  t.equal(statSync(join(folder, 'token')).mode & 0o777, 0o640)
  const before = readlinkSync(join(folder, '..data'))
  await writeAtomicFolder(folder, filesOf({ token: '2', 'deep/file': 'z' }))
  t.not(readlinkSync(join(folder, '..data')), before)
  t.equal(readFileSync(join(folder, 'token'), 'utf8'), '2')
  t.strictSame(
    readdirSync(folder)
      .filter((name) => !name.startsWith('..version-'))
      .sort(),
    ['..data', 'deep', 'token'],
  )
  t.equal(readdirSync(folder).filter((name) => name.startsWith('..version-')).length, 1, 'the old version is gone')
  t.strictSame(readdirSync(join(folder, 'deep')), ['file'])
  await t.rejects(writeAtomicFolder(join(folder, 'none', 'v'), filesOf({ a: '' })), { code: 'ENOENT' })
})

const start = async (t: Test) => {
  const clock = createFakeClock()
  const api = await openClusterApi({ clock })
  const client = createClient(api)
  const folder = folderFor(t)
  await client.create(serviceAccounts, { metadata: { name: 'app', namespace: 'shop' } })
  const config = await client.create(configMaps, {
    ...{ metadata: { name: 'c', namespace: 'shop' }, data: { greeting: 'hello' } },
  })
  const volume = {
    name: 'v',
    projected: {
      sources: [
        { serviceAccountToken: { path: 'token', expirationSeconds: 1000 } },
        { configMap: { name: 'c', items: [{ key: 'greeting', path: 'greeting' }] } },
      ],
    },
  }
  const pod = await client.create(pods, {
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      serviceAccountName: 'app',
      containers: [{ name: 'main', image: 'i', volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
      volumes: [volume],
    },
  })
  const source = createConfigSource({ client, clock })
  const mounts = createFakeNodeMounts()
  const plugins = createVolumePlugins({
    ...{ client, clock, mounts, allocatable: {}, drivers: noDrivers, stagingDir: join(folder, 'staging') },
    configOf: (each) => source(each, volumeConfigNames(each)),
  })
  const diskDir = join(folder, 'disk')
  const volumes = createPodVolumes({ plugins, mounts, folderOf: (uid) => join(folder, uid), diskDir })
  const read = (name: string) => readFileSync(join(folder, pod.metadata.uid ?? '', 'volumes/v', name), 'utf8')
  const claims = () => JSON.parse(Buffer.from(read('token').split('.')[1] ?? '', 'base64url').toString())
  const asked = () => api.calls.filter((call) => call.endsWith('/token')).length
  return { api, clock, client, config, folder, diskDir, mounts, pod, volumes, read, claims, asked }
}

t.test('a pod gets a token of its own, and another one before it ends', async (t) => {
  const { clock, pod, volumes, read, claims, asked, folder } = await start(t)
  t.strictSame(await volumes.prepare(pod), [
    { source: join(folder, pod.metadata.uid ?? '', 'volumes/v'), target: '/v', kind: 'folder', readOnly: true },
  ])
  t.match(claims(), {
    sub: 'system:serviceaccount:shop:app',
    'kubernetes.io': { pod: { name: 'web', uid: pod.metadata.uid } },
  })
  t.equal(claims().exp - claims().iat, 1000)
  t.equal(statSync(join(folder, pod.metadata.uid ?? '', 'volumes')).mode & 0o777, 0o700)
  const first = read('token')
  clock.advance(799_000)
  await volumes.refresh(pod)
  t.equal(read('token'), first)
  t.equal(asked(), 1)
  clock.advance(2_000)
  await volumes.refresh(pod)
  t.not(read('token'), first)
  t.equal(asked(), 2)
})

t.test('what changes is seen, and what fails leaves the rest as it was', async (t) => {
  const { api, clock, client, config, pod, volumes, read } = await start(t)
  await volumes.prepare(pod)
  await client.patch(configMaps, config, { data: { greeting: 'good day' } })
  clock.advance(60_000)
  await volumes.refresh(pod)
  t.equal(read('greeting'), 'good day')
  const token = read('token')
  clock.advance(900_000)
  api.interfere(({ path }) => {
    if (path.endsWith('/token')) throw new Error('down')
  })
  await volumes.refresh(pod)
  t.equal(read('token'), token, 'it is good for a while')
  clock.advance(100_000)
  await t.rejects(volumes.refresh(pod), { message: 'MountVolume.SetUp failed for volume "v" : down' })
  t.equal(read('token'), token)
})

t.test('a pod whose volumes cannot be filled hears why', async (t) => {
  const { client, config, pod, volumes } = await start(t)
  await client.delete(configMaps, config)
  await t.rejects(volumes.prepare(pod), {
    name: 'VolumeError',
    message: 'MountVolume.SetUp failed for volume "v" : configmap "c" not found',
  })
})

/** A pod of the test's own with these volumes, all seen by container `main` below `/NAME`. */
const podWith = (
  volumes: readonly ({ readonly name: string } & Readonly<Record<string, object | string>>)[],
  more: Partial<PodSpec> = {},
): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'own', namespace: 'shop', uid: 'u1' } },
  spec: {
    volumes,
    containers: [{ name: 'main', volumeMounts: volumes.map(({ name }) => ({ name, mountPath: `/${name}` })) }],
    ...more,
  },
})

const main = (volumeMounts: NonNullable<Container['volumeMounts']>): Container => ({ name: 'main', volumeMounts })

t.test('folders that are empty are made once, and go with the pod', async (t) => {
  const { volumes, mounts, folder, diskDir } = await start(t)
  const memory = { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }
  const pod = podWith([{ name: 'disk' }, memory])
  const places = [join(diskDir, 'u1/disk'), join(folder, 'u1/volumes/memory')] as const
  const [onDisk, inMemory] = places
  t.strictSame(await volumes.prepare(pod), [
    { source: onDisk, target: '/disk', kind: 'folder', readOnly: false },
    { source: inMemory, target: '/memory', kind: 'folder', readOnly: false },
  ])
  for (const place of places) t.equal(statSync(place).mode & 0o7777, 0o777)
  t.equal(mounts.mounted.get(inMemory), `tmpfs podway-volume nosuid,nodev,mode=0755,size=${1 << 20}`)
  writeFileSync(join(onDisk, 'kept'), 'x')
  await volumes.prepare(pod)
  t.equal(readFileSync(join(onDisk, 'kept'), 'utf8'), 'x', 'a sandbox that is made anew finds what was there')
  await volumes.remove('u1')
  await volumes.remove('u1')
  for (const place of places) t.notOk(existsSync(place))
  t.equal(mounts.mounted.size, 0)
})

t.test('what no container mounts is not made', async (t) => {
  const { volumes } = await start(t)
  const unused = { name: 'x', configMap: { name: 'none' } }
  t.strictSame(await volumes.prepare(podWith([unused], { containers: [{ name: 'main' }] })), [])
})

t.test('a kind without a plug-in is named', async (t) => {
  const { volumes } = await start(t)
  for (const kind of ['iscsi', 'rbd', 'constructor'])
    await t.rejects(volumes.prepare(podWith([{ name: 'v', ...{ [kind]: {} } }])), {
      name: 'VolumeError',
      message: new RegExp(
        `^MountVolume.SetUp failed for volume "v" : this node has no plug-in for volumes of the kind "${kind}": `,
      ),
    })
  await t.rejects(volumes.prepare(podWith([{ name: '../v' }])), { message: /no name of a volume/ })
  const huge = { name: 'v', emptyDir: { medium: 'HugePages' } }
  await t.rejects(volumes.prepare(podWith([huge])), { message: /no storage medium "HugePages"/ })
})

t.test('each container has its own mounts, and parts of volumes', async (t) => {
  const { volumes, mounts, folder, diskDir } = await start(t)
  const pod = podWith([{ name: 'v' }, { name: 'c', configMap: { name: 'c' } }], {
    initContainers: [main([{ name: 'v', mountPath: '/part', subPathExpr: '$(WHO)/deep' }])],
  })
  await volumes.prepare(pod)
  const of = async (list: NonNullable<Container['volumeMounts']>) =>
    (await volumes.ofContainer(pod, main(list), { WHO: 'me' })).mounts
  t.strictSame(
    await of([
      { name: 'v', mountPath: '/a/b/', readOnly: true, mountPropagation: 'HostToContainer' },
      { name: 'v', mountPath: 'a' },
    ]),
    [
      { source: join(diskDir, 'u1/v'), target: '/a', kind: 'folder', readOnly: false },
      {
        ...{ source: join(diskDir, 'u1/v'), target: '/a/b', kind: 'folder', readOnly: true },
        propagation: 'host-to-container',
      },
    ],
    'what is in another one comes after it',
  )
  const [part] = await of([{ name: 'v', mountPath: '/part', subPathExpr: '$(WHO)/deep' }])
  t.equal(mounts.mounted.get(part?.source ?? ''), realpathSync(join(diskDir, 'u1/v/me/deep')))
  const [file] = await of([{ name: 'c', mountPath: '/f', subPath: 'greeting' }])
  t.match(file, { kind: 'file', readOnly: true })
  t.match(mounts.mounted.get(file?.source ?? ''), /\/volumes\/c\/\.\.version-[^/]+\/greeting$/)

  symlinkSync(folder, join(diskDir, 'u1/v/out'))
  for (const [list, message] of [
    [{ subPath: 'out' }, /leads out of its volume/],
    [{ subPath: '../x' }, /must not contain "\.\."/],
    [{ subPathExpr: '$(NOBODY)' }, /missing value for "NOBODY"/],
  ] as const)
    await t.rejects(of([{ name: 'v', mountPath: '/x', ...list }]), { name: 'VolumeError', message })
  await t.rejects(of([{ name: 'gone', mountPath: '/x' }]), { message: /no volume of this name/ })
  await volumes.remove('u1')
  t.equal(mounts.mounted.size, 0)
  t.notOk(existsSync(join(folder, 'u1/sub-paths')))
})

t.test('an agent that comes back knows the volumes of pods that run', async (t) => {
  const { volumes, mounts, folder, diskDir } = await start(t)
  const pod = podWith([{ name: 'v' }])
  await volumes.prepare(pod)
  const later = createPodVolumes({
    plugins: new Map([['emptyDir', createEmptyDir(mounts)]]),
    ...{ mounts, diskDir, folderOf: (uid) => join(folder, uid) },
  })
  const { mounts: found } = await later.ofContainer(pod, main([{ name: 'v', mountPath: '/v' }]), {})
  t.equal(found[0]?.source, join(diskDir, 'u1/v'))
})

t.test('a driver that is away keeps no other one from undoing what it has made', async (t) => {
  const { mounts, folder, diskDir } = await start(t)
  const released: string[] = []
  let isAway = true
  const plugin = (kind: string): VolumePlugin => ({
    prepare: async () => ({ path: folder, kind: 'folder', readOnly: false }),
    release: async () => {
      if (kind === 'a' && isAway) throw new Error('a is away')
      released.push(kind)
    },
  })
  const volumes = createPodVolumes({
    plugins: new Map(['a', 'b'].map((kind) => [kind, plugin(kind)])),
    ...{ mounts, diskDir, folderOf: (uid) => join(folder, uid) },
  })
  for (const kind of ['a', 'b']) await writeNote(join(diskDir, 'u1'), { volume: `of-${kind}`, kind, value: {} })
  await t.rejects(volumes.remove('u1'), { message: 'a is away' })
  t.same(released, ['b'])
  isAway = false
  await volumes.remove('u1')
  t.same(released, ['b', 'a'])
  t.notOk(existsSync(join(diskDir, 'u1')))
})

t.test('what is claimed', async (t) => {
  const { client, volumes, folder } = await start(t)
  const place = join(folder, 'claimed')
  const claim = { name: 'v', persistentVolumeClaim: { claimName: 'data', readOnly: true } }
  const pod = podWith([claim])
  const failure = (message: string | RegExp) => t.rejects(volumes.prepare(pod), { name: 'VolumeError', message })
  await failure(/persistentvolumeclaim "data" not found$/)
  const access = { accessModes: ['ReadWriteOnce'], storageClassName: '' }
  const capacity = { storage: '1Gi' }
  const bound = await client.create(persistentVolumeClaims, {
    metadata: { name: 'data', namespace: 'shop' },
    spec: { ...access, resources: { requests: capacity }, volumeName: 'pv' },
    status: {},
  })
  await failure(/error processing PVC shop\/data: PVC is not bound$/)
  await client.updateStatus(persistentVolumeClaims, { ...bound, status: { phase: 'Bound' } })
  await failure(/persistentvolume "pv" not found$/)
  const claimRef = { kind: 'PersistentVolumeClaim', namespace: 'shop', name: 'data' }
  const volume = await client.create(persistentVolumes, {
    metadata: { name: 'pv' },
    spec: { ...access, capacity, claimRef: { ...claimRef, uid: 'another' }, hostPath: { path: place, type: '' } },
    status: {},
  })
  await failure(/PV pv is bound to another claim$/)
  await client.delete(persistentVolumes, volume)
  // Nobody here lets it go.
  await client.patch(persistentVolumes, volume, { metadata: { finalizers: null } })
  await client.create(persistentVolumes, {
    metadata: { name: 'pv' },
    spec: {
      ...{ ...access, capacity, claimRef: { ...claimRef, uid: bound.metadata.uid ?? '' } },
      hostPath: { path: place, type: 'DirectoryOrCreate' },
    },
    status: {},
  })
  t.strictSame(await volumes.prepare(pod), [{ source: place, target: '/v', kind: 'folder', readOnly: true }])
})

t.test('the volumes of a pod are refreshed each on its own', async (t) => {
  const seen: string[] = []
  let release = (): void => undefined
  const plugin: VolumePlugin = {
    prepare: async () => ({ path: '/', kind: 'folder', readOnly: true }),
    refresh: async ({ name }) => {
      seen.push(name)
      if (name === 'broken') throw new Error('down')
      if (name === 'slow')
        await new Promise<void>((resolve) => {
          release = resolve
        })
    },
  }
  const folder = folderFor(t)
  const volumes = createPodVolumes({
    ...{ folderOf: (uid) => join(folder, uid), diskDir: folder, mounts: createFakeNodeMounts() },
    plugins: new Map([['secret', plugin]]),
  })
  const names = ['broken', 'slow', 'good']
  const pod: Pod = {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', uid: 'u' } },
    spec: {
      volumes: names.map((name) => ({ name, secret: { secretName: name } })),
      containers: [{ name: 'main', volumeMounts: names.map((name) => ({ name, mountPath: `/${name}` })) }],
    },
  }
  const first = volumes.refresh(pod)
  await turns()
  await t.rejects(volumes.refresh(pod), /volume "broken" : down/, 'one that still goes on is not begun again')
  t.same(seen, [...names, 'broken', 'good'])
  release()
  await t.rejects(first, /volume "broken" : down/)
})

t.test('pods that run are looked at every minute, each on its own', async (t) => {
  const clock = createFakeClock()
  const stop = new AbortController()
  const seen: string[] = []
  const failed: string[] = []
  const podNamed = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [] } })
  const running = createVolumeRefresher({
    clock,
    pods: async () => [podNamed('broken'), podNamed('slow'), podNamed('web')],
    volumes: {
      refresh: async ({ metadata: { name } }) => {
        if (name === 'broken') throw new Error(name)
        if (name === 'slow') return new Promise(() => undefined)
        seen.push(name)
      },
    },
    onError: (_pod, error) => void failed.push(String(error)),
  })(stop.signal)
  clock.advance(59_000)
  t.same(seen, [])
  for (let minute = 1; minute <= 2; minute++) {
    clock.advance(60_000)
    await turns()
    clock.advance(1_000)
    await until(() => seen.length === minute, `look ${minute}`)
    await until(async () => true, 'the next wait to begin')
  }
  t.same(failed, ['Error: broken', 'Error: broken'])
  stop.abort()
  await running
})
