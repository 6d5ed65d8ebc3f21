/** Volumes on disk: filled at once or not at all, and renewed. */
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createConfigSource } from '../../../../src/agent/env/config-source.ts'
import { writeAtomicFolder } from '../../../../src/agent/volumes/atomic-folder.ts'
import { volumeConfigNames } from '../../../../src/agent/volumes/file-volumes.ts'
import { createPodVolumes } from '../../../../src/agent/volumes/pod-volumes.ts'
import { createVolumeRefresher } from '../../../../src/agent/volumes/refresher.ts'
import { createClient } from '../../../../src/api/client.ts'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { configMaps, pods, serviceAccounts } from '../../../../src/api/resources.ts'
import { openClusterApi } from '../../../support/cluster-api.ts'
import { until } from '../../../support/until.ts'

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
  const volumes = createPodVolumes({
    ...{ client, clock, allocatable: {}, folderOf: (uid) => join(folder, uid) },
    configOf: (each) => source(each, volumeConfigNames(each)),
  })
  const read = (name: string) => readFileSync(join(folder, pod.metadata.uid ?? '', 'volumes/v', name), 'utf8')
  const claims = () => JSON.parse(Buffer.from(read('token').split('.')[1] ?? '', 'base64url').toString())
  const asked = () => api.calls.filter((call) => call.endsWith('/token')).length
  return { api, clock, client, config, folder, pod, volumes, read, claims, asked }
}

t.test('a pod gets a token of its own, and another one before it ends', async (t) => {
  const { clock, pod, volumes, read, claims, asked, folder } = await start(t)
  t.strictSame(await volumes.make(pod), [
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
  await volumes.make(pod)
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
  await t.rejects(volumes.make(pod), {
    name: 'VolumeError',
    message: 'MountVolume.SetUp failed for volume "v" : configmap "c" not found',
  })
})

t.test('pods that run are looked at every minute, each on its own', async (t) => {
  const clock = createFakeClock()
  const stop = new AbortController()
  const seen: string[] = []
  const failed: string[] = []
  const podNamed = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [] } })
  const running = createVolumeRefresher({
    clock,
    pods: async () => [podNamed('broken'), podNamed('web')],
    volumes: {
      refresh: async ({ metadata: { name } }) => {
        if (name === 'broken') throw new Error(name)
        seen.push(name)
      },
    },
    onError: (_pod, error) => void failed.push(String(error)),
  })(stop.signal)
  clock.advance(59_000)
  t.same(seen, [])
  for (let minute = 1; minute <= 2; minute++) {
    clock.advance(60_000)
    await until(() => seen.length === minute, `look ${minute}`)
    await until(async () => true, 'the next wait to begin')
  }
  t.same(failed, ['Error: broken', 'Error: broken'])
  stop.abort()
  await running
})
