/** What groups tell, by files of both versions as kernels write them. */
import t from 'tap'
import { groupUsage } from '../../../../src/agent/usage/cgroup-usage.ts'

const folder = (files: Readonly<Record<string, string>>) => (name: string) => files[name]

const v2 = {
  'cgroup.procs': '4711\n4712\n',
  'cpu.stat': [
    ...['usage_usec 1234567', 'user_usec 1000000', 'system_usec 234567', 'core_sched.force_idle_usec 0'],
    ...['nr_periods 10', 'nr_throttled 2', 'throttled_usec 5000', ''],
  ].join('\n'),
  'memory.current': '52428800\n',
  'memory.stat': [
    ...['anon 20971520', 'file 31457280', 'kernel 4096', 'shmem 0', 'inactive_anon 0', 'active_anon 20971520'],
    ...['inactive_file 10485760', 'active_file 20971520', 'pgfault 9000', 'pgmajfault 7', ''],
  ].join('\n'),
}

const v1 = {
  pids: { 'cgroup.procs': '4711\n', 'pids.current': '1\n' },
  cpuacct: { 'cpuacct.usage': '98765432109\n', 'cpu.stat': 'nr_periods 0\nnr_throttled 0\nthrottled_time 0\n' },
  memory: {
    'memory.usage_in_bytes': '41943040\n',
    'memory.stat': [
      ...['cache 20971520', 'rss 1', 'mapped_file 0', 'pgfault 1', 'inactive_file 1', 'hierarchical_memory_limit 99'],
      ...['total_cache 20971520', 'total_rss 16777216', 'total_pgfault 500', 'total_pgmajfault 3'],
      ...['total_inactive_file 4194304', 'total_active_file 0', ''],
    ].join('\n'),
  },
}

t.test('a group of version 2 tells all', async (t) => {
  t.strictSame(groupUsage([folder(v2)]), {
    cpuNanoseconds: 1_234_567_000,
    memory: {
      ...{ usageBytes: 52_428_800, workingSetBytes: 41_943_040, rssBytes: 20_971_520 },
      ...{ pageFaults: 9000, majorPageFaults: 7 },
    },
    members: [4711, 4712],
  })
})

t.test('groups of version 1 tell it together, with the groups below them', async (t) => {
  t.strictSame(groupUsage([folder(v1.pids), folder(v1.memory), folder(v1.cpuacct)]), {
    cpuNanoseconds: 98_765_432_109,
    memory: {
      ...{ usageBytes: 41_943_040, workingSetBytes: 37_748_736, rssBytes: 16_777_216 },
      ...{ pageFaults: 500, majorPageFaults: 3 },
    },
    members: [4711],
  })
})

t.test('what no group tells is missing', async (t) => {
  t.strictSame(groupUsage([]), {})
  t.strictSame(groupUsage([folder({})]), {}, 'its folder has gone')
  t.strictSame(groupUsage([folder(v1.pids)]), { members: [4711] })
  t.strictSame(
    groupUsage([folder({ 'cpu.stat': v1.cpuacct['cpu.stat'] })]),
    {},
    'a CPU group of version 1 counts nothing',
  )
  t.strictSame(groupUsage([folder({ 'memory.current': 'max\n', 'cpuacct.usage': '' })]), {}, 'what is no number')
  t.match(
    groupUsage([folder({ 'memory.current': '5\n', 'memory.stat': 'inactive_file 9\n' })]),
    { memory: { workingSetBytes: 0, rssBytes: 0 } },
    'never less than nothing',
  )
})
