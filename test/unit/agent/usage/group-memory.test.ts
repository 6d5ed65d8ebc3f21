import t from 'tap'
import { readGroupMemory } from '../../../../src/agent/usage/group-memory.ts'

const machine = 1000
const read = (files: Readonly<Record<string, string>>) => readGroupMemory(machine, (file) => files[file], '/cg')

t.test('no end but that of the machine', async (t) => {
  t.equal(read({}), undefined)
  t.equal(
    read({ '/proc/self/cgroup': '0::/a\n', '/cg/a/memory.max': 'max\n', '/cg/a/memory.current': '5\n' }),
    undefined,
  )
  const huge = {
    '/cg/memory/memory.limit_in_bytes': '9223372036854771712\n',
    '/cg/memory/memory.usage_in_bytes': '5\n',
  }
  t.equal(read({ '/proc/self/cgroup': '4:memory:/\n', ...huge }), undefined)
})

t.test('v2: of all groups around it, the one that leaves least', async (t) => {
  const found = read({
    '/proc/self/cgroup': '0::/a/b\n',
    ...{ '/cg/a/b/memory.max': '600\n', '/cg/a/b/memory.current': '100\n' },
    ...{ '/cg/a/memory.max': '700\n', '/cg/a/memory.current': '650\n', '/cg/a/memory.stat': 'inactive_file 50\n' },
  })
  t.same(found, { limitBytes: 700, workingSetBytes: 600 })
})

t.test('v1, also where others are mounted together', async (t) => {
  const found = read({
    '/proc/self/cgroup': '5:cpu,cpuacct:/x\n4:memory,hugetlb:/a\n0::/u\n',
    ...{ '/cg/memory/a/memory.limit_in_bytes': '500\n', '/cg/memory/a/memory.usage_in_bytes': '300\n' },
    '/cg/memory/a/memory.stat': 'total_inactive_file 100\n',
  })
  t.same(found, { limitBytes: 500, workingSetBytes: 200 })
})

t.test('in a container, whose own group is the root', async (t) => {
  const found = read({ '/proc/self/cgroup': '0::/\n', '/cg/memory.max': '10\n', '/cg/memory.current': '4\n' })
  t.same(found, { limitBytes: 10, workingSetBytes: 4 })
})
