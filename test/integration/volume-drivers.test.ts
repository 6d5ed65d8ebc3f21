/** Drivers of CSI and flexVolume that mount for real: data is seen by pods, and stays when all that was mounted has gone. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { callCsi } from '../../src/agent/volumes/csi-call.ts'
import { createCsiDrivers } from '../../src/agent/volumes/csi-drivers.ts'
import { createNodeMounts } from '../../src/agent/volumes/node-mounts.ts'
import { createVolumePlugins } from '../../src/agent/volumes/plugins.ts'
import { createPodVolumes } from '../../src/agent/volumes/pod-volumes.ts'
import { createClient } from '../../src/api/client.ts'
import { systemClock } from '../../src/api/clock.ts'
import { csiDrivers } from '../../src/api/resources.ts'
import type { Pod } from '../../src/api/types/index.ts'
import { createCommandRunner } from '../../src/host/command.ts'
import { readMounts } from '../../src/host/mount-table.ts'
import { openClusterApi } from '../support/cluster-api.ts'
import { startCsiDriver } from '../support/csi-driver.ts'

const runner = createCommandRunner()
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const podWith = (volume: object): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop', uid: 'u1' } },
  spec: {
    containers: [{ name: 'main', volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
    volumes: [{ name: 'v', ...volume }],
  },
})

const start = async (t: Test) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-drivers-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const data = join(folder, 'data')
  mkdirSync(data)
  writeFileSync(join(data, 'file'), 'kept')
  const client = createClient(await openClusterApi())
  const mounts = createNodeMounts(runner)
  const sockets = join(folder, 'plugins')
  const flexFolder = join(folder, 'flex')
  const open = () => {
    const drivers = createCsiDrivers({
      folder: sockets,
      call: callCsi,
      onProblem: (_socket, error) => t.fail(String(error)),
    })
    const plugins = createVolumePlugins({
      ...{ client, clock: systemClock, mounts, allocatable: {}, drivers, flexFolder },
      stagingDir: join(folder, 'staging'),
      configOf: async () => ({ configMaps: new Map(), secrets: new Map() }),
    })
    return createPodVolumes({
      plugins,
      mounts,
      folderOf: (uid) => join(folder, 'run', uid),
      diskDir: join(folder, 'disk'),
    })
  }
  const mounted = async () => (await readMounts()).filter(({ target }) => target.startsWith(folder))
  /** A pod writes through its volume; the next agent takes all back. */
  const story = async (pod: Pod): Promise<void> => {
    const [mount] = await open().prepare(pod)
    const place = mount?.source ?? ''
    t.equal(readFileSync(join(place, 'file'), 'utf8'), 'kept')
    writeFileSync(join(place, 'more'), 'written')
    await open().prepare(pod)
    t.equal((await mounted()).length, 1, 'an agent that starts again mounts nothing twice')
    await open().remove('u1')
    t.same(await mounted(), [])
    t.notOk(existsSync(join(folder, 'disk/u1')))
    t.equal(readFileSync(join(data, 'file'), 'utf8'), 'kept')
    t.equal(readFileSync(join(data, 'more'), 'utf8'), 'written')
  }
  return { client, data, sockets, flexFolder, story }
}

t.test('a CSI driver, inline', async (t) => {
  const { client, data, sockets, story } = await start(t)
  await startCsiDriver(t, {
    ...{ socket: join(sockets, 'bind.sock'), name: 'bind.example.com' },
    act: async (method, request) => {
      const target = textOf(request['targetPath'])
      if (method === 'NodePublishVolume') {
        mkdirSync(target)
        await runner.run('mount', ['--bind', data, target])
      }
      if (method === 'NodeUnpublishVolume') await runner.run('umount', [target])
    },
  })
  await client.create(csiDrivers, {
    metadata: { name: 'bind.example.com' },
    spec: { attachRequired: false, volumeLifecycleModes: ['Ephemeral'] },
  })
  await story(podWith({ csi: { driver: 'bind.example.com' } }))
})

t.test('a driver of flexVolume', async (t) => {
  const { data, flexFolder, story } = await start(t)
  const place = join(flexFolder, 'example.com~bind')
  mkdirSync(place, { recursive: true })
  const script = `#!/bin/sh
case $1 in
init) echo '{"status":"Success","capabilities":{"attach":false}}' ;;
mount) mount --bind ${data} "$2" && echo '{"status":"Success"}' ;;
unmount) umount "$2" && echo '{"status":"Success"}' ;;
*) echo '{"status":"Not supported"}' ;;
esac
`
  writeFileSync(join(place, 'bind'), script)
  chmodSync(join(place, 'bind'), 0o755)
  await story(podWith({ flexVolume: { driver: 'example.com/bind' } }))
})
