/** CSI drivers over real sockets; what they would mount is told by the fake of mounts. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createCsi } from '../../../../src/agent/volumes/csi.ts'
import { callCsi } from '../../../../src/agent/volumes/csi-call.ts'
import { createCsiDrivers } from '../../../../src/agent/volumes/csi-drivers.ts'
import { writeCsiNode } from '../../../../src/agent/volumes/csi-node.ts'
import { createFakeNodeMounts } from '../../../../src/agent/volumes/fake-node-mounts.ts'
import {
  createPersistentVolumeClaim,
  claimed as nameOfClaim,
} from '../../../../src/agent/volumes/persistent-volume-claim.ts'
import { createPodVolumes } from '../../../../src/agent/volumes/pod-volumes.ts'
import { createClient } from '../../../../src/api/client.ts'
import { isJsonObject, type JsonObject } from '../../../../src/api/json.ts'
import {
  csiDrivers,
  csiNodes,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  secrets,
} from '../../../../src/api/resources.ts'
import type { Pod } from '../../../../src/api/types/index.ts'
import type { CSIPersistentVolumeSource } from '../../../../src/api/types/kubernetes/core-v1.ts'
import { openClusterApi } from '../../../support/cluster-api.ts'
import { startCsiDriver, startRegistrar, type TestDriverOptions } from '../../../support/csi-driver.ts'

const driverName = 'copy.example.com'
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const start = async (t: Test, more: Partial<TestDriverOptions> = {}) => {
  const client = createClient(await openClusterApi())
  const folder = mkdtempSync(join(tmpdir(), 'podway-csi-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const sockets = join(folder, 'plugins')
  const mounts = createFakeNodeMounts()
  const problems: string[] = []
  const driver = await startCsiDriver(t, {
    ...{ socket: join(sockets, 'copy.sock'), name: driverName, capabilities: [1] },
    act: async (method, request) => {
      const target = textOf(request['targetPath']) || textOf(request['stagingTargetPath'])
      if (/^Node(Publish|Stage)/.test(method)) {
        mkdirSync(target, { recursive: true })
        await mounts.mountSource({ type: 'copy', source: textOf(request['volumeId']), options: [] }, target)
      } else if (/^NodeUn/.test(method)) await mounts.unmountAll(target)
    },
    ...more,
  })
  const open = () => {
    const drivers = createCsiDrivers({
      ...{ folder: sockets, call: callCsi },
      onProblem: (socket, error) => problems.push(`${socket} ${error instanceof Error ? error.message : ''}`),
    })
    const csi = createCsi({ client, drivers, mounts, stagingDir: join(folder, 'staging') })
    const claims = createPersistentVolumeClaim(client, nameOfClaim, () => csi)
    const plugins = new Map([
      ['csi', csi],
      ['persistentVolumeClaim', claims],
    ])
    const volumes = createPodVolumes({
      ...{ plugins, mounts, folderOf: (uid) => join(folder, 'memory', uid), diskDir: join(folder, 'disk') },
    })
    return { drivers, volumes }
  }
  return { client, folder, sockets, mounts, driver, problems, open, ...open() }
}

type World = Awaited<ReturnType<typeof start>>

const podWith = (uid: string, volume: object, spec: Partial<Pod['spec']> = {}): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: `pod-${uid}`, namespace: 'shop', uid } },
  spec: {
    containers: [{ name: 'main', volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
    volumes: [{ name: 'v', ...volume }],
    ...spec,
  },
})

const bind = async ({ client }: World, csi: Partial<CSIPersistentVolumeSource> = {}) => {
  const access = { accessModes: ['ReadWriteOnce'], storageClassName: '' }
  const capacity = { storage: '1Gi' }
  const claim = await client.create(persistentVolumeClaims, {
    metadata: { name: 'data', namespace: 'shop' },
    spec: { ...access, resources: { requests: capacity }, volumeName: 'pv' },
    status: {},
  })
  await client.updateStatus(persistentVolumeClaims, { ...claim, status: { phase: 'Bound' } })
  const claimRef = { namespace: 'shop', name: 'data', uid: claim.metadata.uid ?? '' }
  const source = { driver: driverName, volumeHandle: 'vol-1', ...csi }
  await client.create(persistentVolumes, {
    metadata: { name: 'pv' },
    spec: { ...access, capacity, claimRef, csi: source, mountOptions: ['noatime'] },
    status: {},
  })
}

const claimedBy = (uid: string, spec: Partial<Pod['spec']> = {}): Pod =>
  podWith(uid, { persistentVolumeClaim: { claimName: 'data' } }, spec)

const named = ({ driver }: World): readonly string[] => driver.calls.map(([method]) => method)
const asked = ({ driver }: World, method: string): JsonObject =>
  driver.calls.findLast(([name]) => name === method)?.[1] ?? {}

t.test('staged once, published to each pod, and undone in order, also by a later agent', async (t) => {
  const world = await start(t)
  const { client, volumes, open, folder } = world
  await client.create(secrets, { metadata: { name: 'key', namespace: 'infra' }, data: { token: 'czNjcmV0' } })
  const secret = { namespace: 'infra', name: 'key' }
  await bind(world, {
    ...{ fsType: 'xfs', volumeAttributes: { size: 'large' }, nodeStageSecretRef: secret, nodePublishSecretRef: secret },
  })
  const place = join(folder, 'disk/u1/v/mount')
  t.strictSame(await volumes.prepare(claimedBy('u1')), [
    { source: place, target: '/v', kind: 'folder', readOnly: false },
  ])
  t.same(named(world), ['GetPluginInfo', 'NodeGetCapabilities', 'NodeStageVolume', 'NodePublishVolume'])
  const mount = { fsType: 'xfs', mountFlags: ['noatime'] }
  const stage = asked(world, 'NodeStageVolume')
  t.match(stage, {
    ...{ volumeId: 'vol-1', secrets: { token: 's3cret' }, volumeContext: { size: 'large' } },
    volumeCapability: { mount, accessMode: { mode: 1 } },
  })
  t.match(asked(world, 'NodePublishVolume'), {
    ...{
      targetPath: place,
      stagingTargetPath: stage['stagingTargetPath'],
      readonly: false,
      secrets: { token: 's3cret' },
    },
    volumeCapability: { mount },
  })
  await open().volumes.prepare(claimedBy('u1'))
  t.equal(named(world).filter((name) => name === 'NodePublishVolume').length, 1, 'what is published stays so')
  await volumes.prepare(claimedBy('u2'))
  t.equal(named(world).filter((name) => name === 'NodePublishVolume').length, 2)

  const later = open().volumes
  await later.remove('u1')
  t.notOk(named(world).includes('NodeUnstageVolume'), 'another pod uses it')
  world.driver.fail('NodeUnpublishVolume')
  await t.rejects(later.remove('u2'), { message: 'rpc error: code = Internal desc = no NodeUnpublishVolume today' })
  t.ok(existsSync(join(folder, 'disk/u2')), 'nothing is removed that may be mounted')
  world.driver.fail(undefined)
  await later.remove('u2')
  t.same(named(world).slice(-2), ['NodeUnpublishVolume', 'NodeUnstageVolume'])
  t.equal(world.mounts.mounted.size, 0)
  t.notOk(existsSync(join(folder, 'disk/u2')))
  const count = named(world).length
  await later.remove('u2')
  t.equal(named(world).length, count, 'once')
})

t.test('what fails to be published is undone with the pod', async (t) => {
  const world = await start(t)
  await bind(world)
  world.driver.fail('NodePublishVolume')
  await t.rejects(world.volumes.prepare(claimedBy('u1')), {
    name: 'VolumeError',
    message: /no NodePublishVolume today$/,
  })
  world.driver.fail(undefined)
  await world.volumes.remove('u1')
  t.same(named(world).slice(-2), ['NodeUnpublishVolume', 'NodeUnstageVolume'])
})

t.test('a driver says by its CSIDriver what it can', async (t) => {
  const world = await start(t)
  const { client, volumes } = world
  await bind(world)
  const put = async (spec: object) => {
    await client.delete(csiDrivers, { metadata: { name: driverName } }).catch(() => undefined)
    await client.create(csiDrivers, { metadata: { name: driverName }, spec })
  }
  const inline = podWith('u3', { csi: { driver: driverName, volumeAttributes: { from: 'x' }, readOnly: true } })
  await t.rejects(volumes.prepare(inline), {
    message: /volume mode "Ephemeral" not supported by driver copy.example.com/,
  })
  await put({ attachRequired: true })
  await t.rejects(volumes.prepare(claimedBy('u1')), { message: /wants its volumes attached .* not done here$/ })
  await put({ attachRequired: false, tokenRequests: [{ audience: 'a' }] })
  await t.rejects(volumes.prepare(claimedBy('u1')), { message: /wants tokens of pods/ })
  t.notOk(named(world).some((name) => /^Node(Stage|Publish)/.test(name)))
  await put({ attachRequired: false, podInfoOnMount: true, volumeLifecycleModes: ['Persistent', 'Ephemeral'] })
  const [mounted] = await volumes.prepare(inline)
  t.equal(mounted?.readOnly, true)
  t.notOk(named(world).includes('NodeStageVolume'), 'an inline volume is not staged')
  t.match(asked(world, 'NodePublishVolume'), {
    volumeId: /^csi-[0-9a-f]{64}$/,
    readonly: true,
    volumeContext: { from: 'x', 'csi.storage.k8s.io/pod.name': 'pod-u3', 'csi.storage.k8s.io/ephemeral': 'true' },
  })
  await volumes.remove('u3')
  t.equal(world.mounts.mounted.size, 0)
})

t.test('fsGroup by the policy of the driver', async (t) => {
  const fsGroup = process.getgid?.() ?? 0
  const securityContext = { fsGroup }
  for (const [policy, fsType, capabilities, isShared] of [
    ['File', '', [], true],
    ['None', 'ext4', [], false],
    [undefined, 'ext4', [], true],
    [undefined, '', [], false],
    ['File', 'ext4', [6], false],
  ] as const) {
    const world = await start(t, { capabilities })
    const fsGroupPolicy = policy === undefined ? {} : { fsGroupPolicy: policy }
    await world.client.create(csiDrivers, {
      metadata: { name: driverName },
      spec: { attachRequired: false, ...fsGroupPolicy },
    })
    await bind(world, { fsType })
    const [mounted] = await world.volumes.prepare(claimedBy('u1', { securityContext }))
    const words = `${policy} ${fsType} ${capabilities}`
    t.equal((statSync(mounted?.source ?? '').mode & 0o2070) === 0o2070, isShared, words)
    const { volumeCapability } = asked(world, 'NodePublishVolume')
    const mount = isJsonObject(volumeCapability) ? volumeCapability['mount'] : undefined
    t.match(mount, { volumeMountGroup: capabilities.length > 0 ? String(fsGroup) : '' }, words)
  }
})

t.test('drivers by their registrars, and what is none; a CSINode tells of them', async (t) => {
  const world = await start(t)
  const { client, sockets, drivers, problems, folder } = world
  await startCsiDriver(t, { socket: join(folder, 'elsewhere/csi.sock'), name: 'other.example.com' })
  const endpoint = join(folder, 'elsewhere/csi.sock')
  await startRegistrar(t, join(sockets, 'other-reg.sock'), { name: 'other.example.com', endpoint })
  await startRegistrar(t, join(sockets, 'bad-reg.sock'), { name: '../bad', endpoint })
  await startRegistrar(t, join(sockets, 'lost-reg.sock'), { name: 'lost.example.com', endpoint: 'csi.sock' })
  writeFileSync(join(sockets, 'file.sock'), '')
  const found = await drivers.list()
  t.same(found.map(({ name }) => name).sort(), [driverName, 'other.example.com'])
  t.same(problems.map((problem) => /(\w+)(-reg)?\.sock/.exec(problem)?.[1]).sort(), ['bad', 'file', 'lost'])
  await t.rejects(drivers.find('none.example.com'), { message: /^driver name none\.example\.com not found/ })

  await client.create(nodes, { metadata: { name: 'n1' } })
  const write = (which: typeof found) => writeCsiNode({ client, nodeName: 'n1', onError: () => undefined }, which)
  await write([])
  t.equal((await client.list(csiNodes)).items.length, 0)
  await write(found)
  const csiNode = await client.get(csiNodes, 'n1')
  t.match(csiNode.metadata.ownerReferences, [{ kind: 'Node', name: 'n1' }])
  t.match(csiNode.spec.drivers, [
    { name: driverName, nodeID: `${driverName} knows it`, topologyKeys: ['zone'], allocatable: { count: 7 } },
    { name: 'other.example.com' },
  ])
  await write(found)
  t.equal((await client.get(csiNodes, 'n1')).metadata.resourceVersion, csiNode.metadata.resourceVersion)
  const renamed = { name: driverName, ask: async () => ({ nodeId: 'another' }) }
  await write([renamed])
  const written = await client.get(csiNodes, 'n1')
  t.match(written.spec.drivers, [{ nodeID: 'another' }])
  /** As an API server of Kubernetes shows it. */
  const get: typeof client.get = async (...which) =>
    JSON.parse(JSON.stringify(await client.get(...which)).replaceAll('"topologyKeys":[]', '"topologyKeys":null'))
  await writeCsiNode({ client: { ...client, get }, nodeName: 'n1', onError: () => undefined }, [renamed])
  t.equal((await client.get(csiNodes, 'n1')).metadata.resourceVersion, written.metadata.resourceVersion)
})
