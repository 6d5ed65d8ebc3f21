/** What pods have on a disk, as it is found there. */
import { join } from 'node:path'
import t from 'tap'
import { createPodDisk } from '../../../../src/agent/eviction/pod-disk.ts'
import type { PodSpec } from '../../../../src/api/types/index.ts'
import { createCommandRunner } from '../../../../src/host/command.ts'
import { pod, sandbox } from '../pods/builders.ts'

const kilo = 'x'.repeat(1024)

t.test('volumes that end with the pod, what containers write, and their logs', async (t) => {
  const folder = t.testdir({
    volumes: { u1: { cache: { file: kilo.repeat(100) }, plain: {}, claimed: { file: kilo.repeat(400) } } },
    logs: { default_web_u1: { main: { '0.log': kilo.repeat(20), '1.log': kilo.repeat(20) } } },
    upper: { u1_main_1: { etc: { file: kilo.repeat(50) } }, u1_main_0: { file: kilo.repeat(900) } },
  })
  const disk = createPodDisk({
    runner: createCommandRunner(),
    logDir: join(folder, 'logs'),
    volumeDirOf: (uid) => join(folder, 'volumes', uid),
    sandboxes: async () => [sandbox([{ name: 'main', code: 1 }, { name: 'main', attempt: 1 }, { name: 'side' }])],
    writableOf: (id) => (id.startsWith('u1_main') ? join(folder, 'upper', id) : undefined),
  })
  const volumes: PodSpec['volumes'] = [
    ...[{ name: 'cache', emptyDir: {} }, { name: 'plain' }, { name: 'gone', emptyDir: {} }],
    { name: 'claimed', persistentVolumeClaim: { claimName: 'c' } },
  ]
  const { volumes: sizes, containers } = await disk.storageOf(pod({ volumes }))
  t.same([...sizes.keys()], ['cache', 'plain', 'gone'], 'what is claimed is not its own')
  const between = (value: number | undefined, least: number, most: number): void =>
    void t.ok(value !== undefined && value >= least * 1024 && value < most * 1024, String(value))
  between(sizes.get('cache'), 100, 150)
  t.equal(sizes.get('gone'), 0)
  between(containers.get('main'), 90, 150)
  t.equal(containers.get('side'), 0)
  t.equal(await disk.inodesOf(pod({ volumes })), 2 + 1 + 3 + 3)
})

t.test('a pod that has nothing there', async (t) => {
  const disk = createPodDisk({
    runner: { run: () => Promise.reject(new Error('nothing is to be measured')) },
    logDir: '/none',
    volumeDirOf: () => '/none',
    sandboxes: async () => [],
    writableOf: () => undefined,
  })
  t.same(await disk.storageOf(pod()), { volumes: new Map(), containers: new Map() })
  t.equal(await disk.inodesOf(pod()), 0)
})
