/** A node that runs short of something, over fakes. */
import t from 'tap'
import { createEvictionManager } from '../../../../src/agent/eviction/manager.ts'
import type { PodUsage } from '../../../../src/agent/eviction/rank.ts'
import type { PodStorage } from '../../../../src/agent/eviction/storage-limits.ts'
import { nodeReference } from '../../../../src/agent/node/node-events.ts'
import type { PodEnding } from '../../../../src/agent/pods/ending.ts'
import type { Observation, Signal } from '../../../../src/agent/pressure/signals.ts'
import { parseThresholds, type ThresholdTexts } from '../../../../src/agent/pressure/thresholds.ts'
import { createFakeClock } from '../../../../src/api/clock.ts'
import type { Pod } from '../../../../src/api/types/index.ts'
import { recordingLog } from '../../../support/recording-log.ts'
import { turns } from '../../../support/until.ts'
import { pod } from '../pods/builders.ts'

const mebi = 2 ** 20
const noStorage: PodStorage = { volumes: new Map(), containers: new Map() }

interface Usage {
  readonly memory?: number
  readonly requests?: Readonly<Record<string, string>>
  readonly priority?: number
  readonly limit?: string
}

const podOf = (name: string, { requests = {}, priority = 0, limit }: Usage): Pod =>
  pod(
    {
      ...{ priority, terminationGracePeriodSeconds: 30 },
      containers: [
        { name: 'main', resources: { requests, ...(limit ? { limits: { 'ephemeral-storage': limit } } : {}) } },
      ],
    },
    {},
    { name, uid: name },
  )

const open = (texts: Partial<ThresholdTexts>, pods: Readonly<Record<string, Usage>>) => {
  const clock = createFakeClock()
  const { log, messages } = recordingLog()
  const observations = new Map<Signal, Observation>()
  const running = new Map(Object.entries(pods).map(([name, usage]) => [name, podOf(name, usage)]))
  const storage = new Map<string, PodStorage | Error | 'hangs'>()
  const events: string[] = []
  const ended = new Map<string, PodEnding>()
  const asked: string[] = []
  let onReclaim = (): void | Promise<void> => undefined
  let changes = 0
  let looks = 0
  const usageOf = (each: Pod): PodUsage => {
    const memoryBytes = (pods[each.metadata.name]?.memory ?? 0) * mebi
    return {
      ...{ pod: each, memoryBytes, diskBytes: memoryBytes },
      containers: new Map([['main', { memoryBytes, diskBytes: memoryBytes }]]),
    }
  }
  const manager = createEvictionManager({
    settings: {
      thresholds: parseThresholds({ hard: '', soft: '', softGracePeriod: '', minimumReclaim: '', ...texts }),
      ...{ pressureTransitionMs: 300_000, maxPodGraceMs: 7_000 },
    },
    sources: {
      observe: async () => {
        looks++
        return observations
      },
      usages: async (resource) => {
        asked.push(`usages of ${resource}`)
        return [...running.values()].map(usageOf)
      },
      storageOf: async ({ metadata: { name } }) => {
        asked.push(`storage of ${name}`)
        const found = storage.get(name) ?? noStorage
        if (found instanceof Error) throw found
        if (found === 'hangs') return new Promise(() => undefined)
        return found
      },
      reclaimDisk: async () => {
        asked.push('reclaim')
        await onReclaim()
      },
    },
    pods: () => [...running.values()],
    end: (uid, ending) => void ended.set(uid, ending),
    node: nodeReference('node-a'),
    events: { record: ({ name }, type, reason, message) => void events.push(`${name} ${type} ${reason}: ${message}`) },
    onChange: () => {
      changes++
    },
    ...{ clock, log },
  })
  return {
    ...{ manager, clock, events, ended, asked, storage, messages, running },
    changes: () => changes,
    looks: () => looks,
    onReclaim: (action: () => void | Promise<void>) => {
      onReclaim = action
    },
    see: (signal: Signal, available: number, capacity = 1_000 * mebi) =>
      void observations.set(signal, { available, capacity }),
    later: async (ms: number) => {
      clock.advance(ms)
      await manager.look()
    },
  }
}

t.test('short of memory: the greediest pod goes, and then the next one when it has ended', async (t) => {
  const node = open(
    { hard: 'memory.available<100Mi' },
    { small: { memory: 10 }, large: { memory: 200 }, asked: { memory: 300, requests: { memory: '300Mi' } } },
  )
  node.see('memory.available', 100 * mebi)
  await node.manager.look()
  t.same([node.ended.size, node.events, node.manager.pressures().size], [0, [], 0])

  node.see('memory.available', 96 * mebi + 1024)
  await node.later(10_000)
  const message =
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 98305Ki. ' +
    'Container main was using 200Mi, request is 0, has larger consumption of memory. '
  t.same([...node.ended], [['large', { reason: 'Evicted', message, graceMs: 1_000, isDisruption: true }]])
  t.same(node.events, [
    'node-a Normal NodeHasInsufficientMemory: Node node-a status is now: NodeHasInsufficientMemory',
    'node-a Warning EvictionThresholdMet: Attempting to reclaim memory',
    `large Warning Evicted: ${message}`,
  ])
  t.same([...node.manager.pressures()], ['MemoryPressure'])
  t.equal(node.changes(), 1)
  t.notOk(node.asked.includes('reclaim'), 'images take no memory')

  await node.later(10_000)
  t.same([...node.ended.keys()], ['large'], 'its end is waited for')
  node.running.delete('large')
  await node.later(10_000)
  t.same([...node.ended.keys()], ['large', 'small'], 'who keeps within its request goes last')

  node.see('memory.available', 500 * mebi)
  await node.later(10_000)
  t.same([...node.manager.pressures()], ['MemoryPressure'])
  await node.later(300_000)
  t.same([...node.manager.pressures()], [])
  t.match(node.events.at(-1), /Normal NodeHasSufficientMemory/)
  t.equal(node.changes(), 2)
})

t.test('one that does not end does not save all others', async (t) => {
  const node = open({ hard: 'memory.available<100Mi' }, { a: { memory: 9 }, b: { memory: 5 } })
  node.see('memory.available', 1)
  await node.manager.look()
  await node.later(30_000)
  t.same([...node.ended.keys()], ['a'])
  node.ended.clear()
  await node.later(1_000)
  t.equal(node.ended.size, 1)
})

t.test('a soft threshold lets pods have a grace', async (t) => {
  const node = open({ soft: 'memory.available<100Mi', softGracePeriod: 'memory.available=30s' }, { a: { memory: 9 } })
  node.see('memory.available', 1)
  await node.manager.look()
  t.same([...node.manager.pressures()], ['MemoryPressure'])
  await node.later(29_000)
  t.equal(node.ended.size, 0)
  await node.later(1_000)
  t.match(node.ended.get('a'), { graceMs: 7_000 })
})

t.test('short of disk: images go first, and pods only when that was not enough', async (t) => {
  const node = open({ hard: 'nodefs.available<10%' }, { a: { memory: 9 }, b: { memory: 50 } })
  node.see('nodefs.available', 50 * mebi)
  node.onReclaim(() => node.see('nodefs.available', 100 * mebi))
  await node.manager.look()
  t.same(node.asked, ['reclaim'])
  t.equal(node.ended.size, 0)
  t.same([...node.manager.pressures()], ['DiskPressure'])

  node.see('nodefs.available', 50 * mebi)
  node.onReclaim(() => undefined)
  await node.later(10_000)
  t.match(node.ended.get('b')?.message, /^The node was low on resource: ephemeral-storage\. Threshold quantity: 100Mi/)
})

t.test('short of files, or of processes', async (t) => {
  const node = open({ hard: 'nodefs.inodesFree<5%,pid.available<10' }, { a: {} })
  node.see('nodefs.inodesFree', 4, 100)
  await node.manager.look()
  t.equal(node.ended.get('a')?.message, 'The node was low on resource: inodes. Threshold quantity: 5, available: 4. ')
  const other = open({ hard: 'pid.available<10' }, { a: {} })
  other.see('pid.available', 9, 100)
  await other.manager.look()
  t.equal(other.ended.get('a')?.message, 'The node was low on resource: pids. Threshold quantity: 10, available: 9. ')
  t.same([...other.manager.pressures()], ['PIDPressure'])
})

t.test('critical pods stay, whatever it is short of', async (t) => {
  const node = open({ hard: 'memory.available<1Gi' }, { vital: { memory: 900, priority: 2_000_001_000 } })
  node.see('memory.available', 1)
  await node.manager.look()
  t.equal(node.ended.size, 0)
  t.match(node.messages.at(-1), /no pod is left that may be evicted/)
})

t.test('who has more on the disk than it may goes, and only such pods are measured', async (t) => {
  const node = open({}, { free: {}, limited: { limit: '1Mi' }, modest: { limit: '1Mi' } })
  node.storage.set('limited', { ...noStorage, containers: new Map([['main', mebi + 1]]) })
  node.storage.set('modest', { ...noStorage, containers: new Map([['main', mebi]]) })
  await node.manager.look()
  t.same(node.asked, ['storage of limited', 'storage of modest'])
  const message = 'Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. '
  t.same([...node.ended], [['limited', { reason: 'Evicted', message, graceMs: 1_000, isDisruption: true }]])
  t.same(node.events, [`limited Warning Evicted: ${message}`])
  await node.later(10_000)
  t.equal(node.events.length, 1, 'told once')
})

t.test('one that cannot be measured stops no other', async (t) => {
  const node = open({}, { broken: { limit: '1Mi' }, damaged: {}, limited: { limit: '1Mi' } })
  node.storage.set('broken', new Error('du takes too long'))
  const { spec, ...damaged } = podOf('damaged', {})
  // As an API server of somebody else's might have it.
  node.running.set('damaged', { ...damaged, spec: { ...spec, volumes: JSON.parse('[null]') } })
  node.storage.set('limited', { ...noStorage, volumes: new Map([['cache', 2 * mebi]]) })
  await node.manager.look()
  t.same([...node.ended.keys()], ['limited'])
  t.match(node.messages, [/cannot measure what a pod has/, /cannot measure what a pod has/, /evicting/])
})

for (const [what, begin] of [
  ['to measure what is on it', (node: ReturnType<typeof open>) => node.storage.set('limited', 'hangs')],
  ['to make room on it', (node: ReturnType<typeof open>) => node.see('nodefs.available', 1)],
] as const)
  t.test(`a disk that takes long ${what} holds up nobody whose node is short of memory`, async (t) => {
    const node = open(
      { hard: 'memory.available<100Mi,nodefs.available<10%' },
      { limited: { limit: '1Mi' }, greedy: { memory: 9 } },
    )
    node.onReclaim(() => new Promise(() => undefined))
    begin(node)
    const stop = new AbortController()
    void node.manager.run(stop.signal)
    await turns()
    t.ok(node.asked.includes('storage of limited') || node.asked.includes('reclaim'), 'the disk is busy')
    node.see('memory.available', 1)
    node.clock.advance(10_000)
    await turns()
    t.same([...node.ended.keys()], ['greedy'])
    t.ok(node.manager.pressures().has('MemoryPressure'))
    stop.abort()
  })

t.test('it ends when nothing that it has begun goes on any longer', async (t) => {
  const node = open({ hard: 'nodefs.available<10%' }, { a: { memory: 9 } })
  const reclaimed = Promise.withResolvers<void>()
  node.onReclaim(() => reclaimed.promise)
  node.see('nodefs.available', 1)
  const stop = new AbortController()
  let isOver = false
  const running = node.manager.run(stop.signal).then(() => {
    isOver = true
  })
  await turns()
  t.match(node.asked, ['reclaim'])
  stop.abort()
  await turns()
  t.notOk(isOver)
  reclaimed.resolve()
  await running
})

t.test('a pod that ended while the disk was measured is not evicted for it', async (t) => {
  const node = open({ hard: 'nodefs.available<10%' }, { a: { memory: 50 }, b: { memory: 9 } })
  node.see('nodefs.available', 1)
  node.onReclaim(() => void node.running.delete('a'))
  await node.manager.look()
  t.same([...node.ended.keys()], ['b'])
})

t.test('it looks from time to time, and goes on after a failure', async (t) => {
  const node = open({ hard: 'memory.available<1Mi' }, { a: {} })
  const stop = new AbortController()
  const running = node.manager.run(stop.signal)
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  await turn()
  node.see('memory.available', 1)
  t.equal(node.ended.size, 0)
  node.clock.advance(10_000)
  await turn()
  t.equal(node.ended.size, 1)
  node.running.delete('a')
  node.see('memory.available', 2 * mebi)
  node.clock.advance(1_000)
  await turn()
  const looks = node.looks()
  node.clock.advance(9_000)
  await turn()
  t.equal(node.looks(), looks, 'when that was enough it has time again')
  node.clock.advance(1_000)
  await turn()
  t.equal(node.looks(), looks + 1)
  stop.abort()
  await running
})
