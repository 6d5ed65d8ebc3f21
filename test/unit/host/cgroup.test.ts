import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openCgroups } from '../../../src/host/cgroup.ts'

const limits = { memoryBytes: 1 << 20, cpuMilli: 250, pids: 7 }
const read = (...words: string[]): string => readFileSync(join(...words), 'utf8')

t.test('v1: one folder for each controller, below our own group', async (t) => {
  const root = t.testdir()
  const self = '4:memory:/own\n3:cpu,cpuacct:/\n2:pids:/\n0::/\n'
  const groups = await openCgroups({ parent: 'podway', root, self })
  const folders = await groups.create('x', limits)
  t.same(folders.map((folder) => folder.slice(root.length)).sort(), [
    '/cpu/podway/x',
    '/memory/own/podway/x',
    '/pids/podway/x',
  ])
  t.equal(read(root, 'memory/own/podway/x/memory.limit_in_bytes'), '1048576')
  t.equal(read(root, 'cpu/podway/x/cpu.cfs_quota_us'), '25000')
  t.equal(read(root, 'pids/podway/x/pids.max'), '7')
  t.same(
    (await groups.create('y', {})).map((folder) => folder.slice(root.length)),
    ['/pids/podway/y'],
    'without limits there is one group, to know the members',
  )
  t.ok(folders.every((folder) => groups.foldersOf('x').includes(folder)))
  writeFileSync(join(root, 'memory/own/podway/x/memory.oom_control'), 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n')
  t.equal(await groups.oomKills('x'), 2)
  t.equal(await groups.oomKills('y'), 0)
})

t.test('v2: one folder for all, with the controllers shared out', async (t) => {
  const root = t.testdir({ 'cgroup.controllers': 'cpu memory pids\n' })
  mkdirSync(join(root, 'system.slice/podway.service'), { recursive: true })
  const groups = await openCgroups({ parent: 'podway', root, self: '0::/system.slice/podway.service\n' })
  const [folder = ''] = await groups.create('x', limits)
  t.equal(folder, join(root, 'system.slice/podway.service/podway/x'))
  t.equal(read(folder, 'memory.max'), '1048576')
  t.equal(read(folder, 'cpu.max'), '25000 100000')
  t.equal(read(folder, 'pids.max'), '7')
  t.equal(read(folder, '../cgroup.subtree_control'), '+memory +cpu +pids')
  writeFileSync(join(folder, 'memory.events'), 'low 0\noom 3\noom_kill 3\noom_group_kill 1\n')
  t.equal(await groups.oomKills('x'), 3)
})

t.test('a machine without them says so', async (t) => {
  await t.rejects(openCgroups({ parent: 'podway', root: t.testdir(), self: '0::/\n' }), /controller memory is missing/)
})

t.test('what a runtime program has made in further hierarchies, and containers below, goes too', async (t) => {
  const root = t.testdir()
  const self = '9:name=systemd:/\n5:devices:/d\n4:memory:/own\n3:cpu,cpuacct:/\n2:pids:/\n0::/\n'
  const groups = await openCgroups({ parent: 'podway', root, self })
  await groups.create('x', {})
  t.equal(groups.pathOf('x'), 'podway/x', 'relative to the own group')
  const made = ['devices/d/podway/x', 'systemd/podway/x', 'unified/podway/x', 'cpuacct/podway/x'].map((name) =>
    join(root, name),
  )
  for (const folder of made) mkdirSync(join(folder, 'nested'), { recursive: true })
  mkdirSync(join(root, 'devices/d/podway/left'))
  await groups.retain(['y'])
  t.same([...made, join(root, 'devices/d/podway/left')].filter(existsSync), [])
  await groups.close()
  t.notOk(existsSync(join(root, 'devices/d/podway')))
})
