import t from 'tap'
import { memoryLeft, observeNode } from '../../../../src/agent/eviction/observe.ts'

t.test('memory: what the machine has left, or a group with less', async (t) => {
  t.same(memoryLeft(100, 30, undefined), { available: 70, capacity: 100 })
  t.same(memoryLeft(100, 130, undefined), { available: 0, capacity: 100 })
  t.same(memoryLeft(100, 30, { limitBytes: 50, workingSetBytes: 10 }), { available: 40, capacity: 50 })
  t.same(memoryLeft(100, 90, { limitBytes: 50, workingSetBytes: 10 }), { available: 10, capacity: 100 })
  t.same(memoryLeft(100, 30, { limitBytes: 50, workingSetBytes: 60 }), { available: 0, capacity: 50 })
})

t.test('this machine', async (t) => {
  const folder = t.testdir({})
  const found = await observeNode({ memoryBytes: 2 ** 50, nodeDir: folder, imageDir: `${folder}/none` })
  for (const signal of ['memory.available', 'nodefs.available', 'imagefs.available', 'pid.available'] as const) {
    const { available = -1, capacity = 0 } = found.get(signal) ?? {}
    t.ok(available > 0 && available <= capacity, `${signal}: ${available} of ${capacity}`)
  }
  const gone = await observeNode({ memoryBytes: 2 ** 50, nodeDir: `${folder}/none`, imageDir: `${folder}/none` })
  t.same([...gone.keys()], ['memory.available', 'pid.available'], 'what cannot be seen is not told')
})
