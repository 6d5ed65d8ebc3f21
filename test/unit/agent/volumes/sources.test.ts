/** Volumes of all kinds, by pods and by claims: which are made, by what, and what is said of the others. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createFakeNodeMounts } from '../../../../src/agent/volumes/fake-node-mounts.ts'
import { createNfs } from '../../../../src/agent/volumes/nfs.ts'
import { createVolumePlugins } from '../../../../src/agent/volumes/plugins.ts'
import { createPodVolumes } from '../../../../src/agent/volumes/pod-volumes.ts'
import { createClient } from '../../../../src/api/client.ts'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { persistentVolumeClaims, persistentVolumes, secrets } from '../../../../src/api/resources.ts'
import type { Container, Pod } from '../../../../src/api/types/index.ts'
import type { PersistentVolume } from '../../../../src/api/types/kubernetes/core-v1.ts'
import { fieldsOf } from '../../../../src/control/schema/types.ts'
import { openClusterApi } from '../../../support/cluster-api.ts'

const folderFor = (t: Test): string => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-sources-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

const start = async (t: Test) => {
  const client = createClient(await openClusterApi())
  const folder = folderFor(t)
  const mounts = createFakeNodeMounts()
  const flexFolder = join(folder, 'flex')
  const plugins = createVolumePlugins({
    ...{ client, clock: createFakeClock(), mounts, allocatable: {}, flexFolder },
    drivers: { list: async () => [], find: async () => Promise.reject(new Error('no driver')) },
    stagingDir: join(folder, 'staging'),
    configOf: async () => ({ configMaps: new Map(), secrets: new Map() }),
  })
  const open = () =>
    createPodVolumes({ plugins, mounts, folderOf: (uid) => join(folder, 'memory', uid), diskDir: join(folder, 'disk') })
  return { client, folder, flexFolder, mounts, plugins, open, volumes: open() }
}

const podWith = (volume: object, container: Partial<Container> = {}, spec: Partial<Pod['spec']> = {}): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop', uid: 'u1' } },
  spec: {
    containers: [{ name: 'main', volumeMounts: [{ name: 'v', mountPath: '/v' }], ...container }],
    volumes: [{ name: 'v', ...volume }],
    ...spec,
  },
})

type Volume = PersistentVolume['spec']

/** A pod whose claim is bound to a volume like this. */
const claimed = async (
  { client }: Awaited<ReturnType<typeof start>>,
  spec: Volume,
  container: Partial<Container> = {},
  podSpec: Partial<Pod['spec']> = {},
): Promise<Pod> => {
  const access = { accessModes: ['ReadWriteOnce'], storageClassName: '' }
  const capacity = { storage: '1Gi' }
  const { volumeMode = 'Filesystem' } = spec
  const claim = await client.create(persistentVolumeClaims, {
    metadata: { name: 'data', namespace: 'shop' },
    spec: { ...access, volumeMode, resources: { requests: capacity }, volumeName: 'pv' },
    status: {},
  })
  await client.updateStatus(persistentVolumeClaims, { ...claim, status: { phase: 'Bound' } })
  const claimRef = { namespace: 'shop', name: 'data', uid: claim.metadata.uid ?? '' }
  await client.create(persistentVolumes, {
    metadata: { name: 'pv' },
    spec: { ...access, capacity, claimRef, ...spec },
    status: {},
  })
  return podWith({ persistentVolumeClaim: { claimName: 'data' } }, container, podSpec)
}

const onNode: Pick<Volume, 'nodeAffinity'> = {
  nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }] } },
}

t.test('every kind that the API accepts is made, or says why not and what to do', async (t) => {
  const { plugins, volumes } = await start(t)
  const kinds = [...fieldsOf('core/v1.Volume').keys()].filter((kind) => kind !== 'name')
  t.ok(kinds.length > 25)
  const absent = kinds.filter((kind) => !plugins.has(kind))
  for (const kind of [
    'iscsi',
    'rbd',
    'glusterfs',
    'flocker',
    'awsElasticBlockStore',
    'gcePersistentDisk',
    'azureDisk',
    'cephfs',
  ])
    t.ok(absent.includes(kind), kind)
  for (const kind of absent)
    await t.rejects(
      volumes.prepare(podWith({ [kind]: { repository: 'https://a' } })),
      {
        name: 'VolumeError',
        message:
          kind === 'gitRepo'
            ? /git in an init container$/
            : new RegExp(`no plug-in for volumes of the kind "${kind}": use`),
      },
      kind,
    )
})

t.test('a claimed volume of a kind without a plug-in says so', async (t) => {
  const world = await start(t)
  const pod = await claimed(world, { rbd: { monitors: ['a'], image: 'i' } })
  await t.rejects(world.volumes.prepare(pod), { message: /no plug-in for volumes of the kind "rbd"/ })
})

t.test('devices are devices, folders are folders', async (t) => {
  const device = { volumeMounts: [], volumeDevices: [{ name: 'v', devicePath: '/dev/v' }] }
  const block = await start(t)
  const mounted = await claimed(block, { ...onNode, local: { path: '/dev/null' }, volumeMode: 'Block' })
  await t.rejects(block.volumes.prepare(mounted), {
    message: /volume pv has volumeMode Block, but is specified in volumeMounts$/,
  })
  const used = { ...mounted, spec: { ...mounted.spec, containers: [{ name: 'main', ...device }] } }
  await t.rejects(block.volumes.prepare(used), { message: /\/dev\/null is not a block device$/ })

  const files = await start(t)
  const asDevice = await claimed(files, { ...onNode, local: { path: files.folder } }, device)
  await t.rejects(files.volumes.prepare(asDevice), {
    message: /volume pv has volumeMode Filesystem, but is specified in volumeDevices$/,
  })
})

t.test('NFS: mounted by the node, or what is missing there', async (t) => {
  const { mounts, folder } = await start(t)
  const request = (source: object, mountOptions: readonly string[] = []) => ({
    ...{ pod: podWith({}), name: 'v', source: { ...source }, inMemory: join(folder, 'm'), onDisk: join(folder, 'd') },
    claimed: {
      ...{ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'pv' }, status: {} },
      spec: { mountOptions },
    },
    note: async () => undefined,
  })
  const there = createNfs(mounts, async () => true)
  await there.prepare(request({ server: 'files.lab', path: '/export', readOnly: true }, ['nfsvers=4.1']))
  t.same([...mounts.mounted], [[join(folder, 'd'), 'nfs files.lab:/export nosuid,nodev,nfsvers=4.1,ro']])
  await t.rejects(createNfs(mounts, async () => false).prepare(request({ server: 'fd00::1', path: '/' })), {
    message: 'this node cannot mount NFS: mount.nfs is missing (install nfs-common or nfs-utils on it)',
  })
  for (const [server, path, ...options] of [
    ['-o exec', '/'],
    ['a,b', '/'],
    ['', '/'],
    ['files.lab', 'export'],
    ['files.lab', '/a\nb'],
    ['files.lab', '/', 'ro,suid'],
    ['files.lab', '/', '-x'],
  ] as const)
    await t.rejects(there.prepare(request({ server, path }, options)), { message: /^invalid / }, `${server} ${path}`)
})

/** A driver that notes how it was called, and answers as its file `answer` says. */
const writeDriver = (
  flexFolder: string,
): { readonly calls: () => readonly string[]; readonly answer: (text: string) => void } => {
  const place = join(flexFolder, 'example.com~copy')
  mkdirSync(place, { recursive: true })
  const answer = (text: string): void => writeFileSync(join(place, 'answer'), text)
  answer('{"status":"Success","capabilities":{"attach":false}}')
  const script = `#!/bin/sh\nprintf '%s\\n' "$*" >> ${place}/calls\necho noise >&2\ncat ${place}/answer\n`
  writeFileSync(join(place, 'copy'), script)
  chmodSync(join(place, 'copy'), 0o755)
  return {
    calls: () =>
      existsSync(join(place, 'calls')) ? readFileSync(join(place, 'calls'), 'utf8').trim().split('\n') : [],
    answer,
  }
}

t.test('a driver of flexVolume: called as Kubernetes calls it, also to undo what an earlier agent made', async (t) => {
  const { client, flexFolder, volumes, open, folder, mounts } = await start(t)
  const { calls, answer } = writeDriver(flexFolder)
  const place = join(folder, 'disk/u1/v')
  await client.create(secrets, { metadata: { name: 'key', namespace: 'shop' }, data: { token: 'czNjcmV0' } })
  const flexVolume = {
    ...{ driver: 'example.com/copy', fsType: 'ext4', readOnly: true, options: { from: '/a b' } },
    secretRef: { name: 'key', namespace: 'elsewhere' },
  }
  const pod = podWith({ flexVolume })
  t.strictSame(await volumes.prepare(pod), [{ source: place, target: '/v', kind: 'folder', readOnly: true }])
  const [init, mount = ''] = calls()
  t.equal(init, 'init')
  t.ok(mount.startsWith(`mount ${place} {`))
  t.match(JSON.parse(mount.slice(mount.indexOf('{'))), {
    from: '/a b',
    'kubernetes.io/fsType': 'ext4',
    'kubernetes.io/readwrite': 'ro',
    'kubernetes.io/pod.name': 'web',
    'kubernetes.io/pod.uid': 'u1',
    'kubernetes.io/secret/token': 'czNjcmV0',
  })
  await mounts.mountSource({ type: 'x', source: 'y', options: [] }, place)
  await open().prepare(pod)
  t.same(calls().slice(2), ['init'], 'what is mounted is not mounted again')

  answer('{"status":"Failure","message":"busy"}')
  await t.rejects(open().remove('u1'), { message: 'flexVolume driver "example.com/copy": unmount failed: busy' })
  answer('{"status":"Success"}')
  await open().remove('u1')
  t.equal(calls().at(-1), `unmount ${place}`)
  const count = calls().length
  await open().remove('u1')
  t.equal(calls().length, count, 'once')
  t.notOk(existsSync(join(folder, 'disk/u1')))
})

t.test('what drivers of flexVolume do wrong, and who is none', async (t) => {
  const { flexFolder, volumes } = await start(t)
  const { answer, calls } = writeDriver(flexFolder)
  const failure = (driver: string, message: RegExp) =>
    t.rejects(volumes.prepare(podWith({ flexVolume: { driver } })), { name: 'VolumeError', message }, driver)
  for (const driver of ['example.com/none', '../copy', 'example.com/../copy', 'a/b/c', '', 'example.com~copy/x'])
    await failure(driver, /this node has no flexVolume driver /)
  t.same(calls(), [])
  for (const [text, message] of [
    ['', /init gave no answer that is JSON/],
    ['[]', /init gave no answer that is JSON/],
    ['{"status":"Not supported"}', /init is not supported/],
    ['{"status":"Failure","message":"no disk"}', /init failed: no disk/],
    ['{"status":"Success"}', /wants to attach volumes, which is not done here/],
    [`{"status":"Success","message":"${'x'.repeat(100_000)}"}`, /init gave no answer that is JSON/],
  ] as const) {
    answer(text)
    await failure('example.com/copy', message)
  }
})
