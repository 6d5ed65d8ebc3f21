import t from 'tap'
import { type ConfigInput, ociConfig, ociProcess } from '../../../../../src/agent/runtime/oci/config.ts'
import { maskedPaths, readOnlyPaths } from '../../../../../src/agent/runtime/restricted-paths.ts'

const process: ConfigInput['process'] = {
  ...{ args: ['sh', '-c', 'true'], env: { PATH: '/bin', 'my.name': 'a=b' }, cwd: '/work', tty: false },
  ...{ user: { uid: 0, gid: 0, additionalGids: [10] }, capabilities: ['chown', 'net_raw'], noNewPrivileges: false },
}
const input: ConfigInput = {
  ...{
    process,
    privileged: false,
    readonlyRoot: false,
    procMount: 'default',
    shm: '/state/shm',
    mounts: [],
    devices: [],
  },
  ...{ sysctls: {}, hasTtyGroup: true, cgroup: { path: 'podway/x', resources: {} } },
  namespaces: { folder: '/proc/1/ns', hostNetwork: false, hostIPC: false, pid: undefined, cgroup: false },
}
const config = (more: Partial<ConfigInput> = {}) => ociConfig({ ...input, ...more })
const mount = (source: string, target: string) => ({ source, target, readOnly: false, propagation: 'private' as const })
const destinations = (more: Partial<ConfigInput> = {}) => config(more).mounts.map(({ destination }) => destination)
const optionsAt = (place: string, more: Partial<ConfigInput> = {}) =>
  config(more).mounts.find(({ destination }) => destination === place)?.options

t.test('the process', async (t) => {
  const own = ['CAP_CHOWN', 'CAP_NET_RAW']
  t.same(config().process, {
    terminal: false,
    user: { uid: 0, gid: 0, additionalGids: [10] },
    args: ['sh', '-c', 'true'],
    env: ['PATH=/bin', 'my.name=a=b'],
    cwd: '/work',
    capabilities: { bounding: own, effective: own, permitted: own, inheritable: [], ambient: [] },
    noNewPrivileges: false,
  })
  t.match(ociProcess({ ...process, tty: true, noNewPrivileges: true, oomScoreAdj: 1000 }), {
    ...{ terminal: true, noNewPrivileges: true, oomScoreAdj: 1000 },
  })
})

const namespaceCases: readonly (readonly [string, Partial<ConfigInput['namespaces']>, readonly string[]])[] = [
  ['of the pod', {}, ['mount', 'network /proc/1/ns/net', 'uts /proc/1/ns/uts', 'ipc /proc/1/ns/ipc', 'pid']],
  ['hostNetwork', { hostNetwork: true }, ['mount', 'ipc /proc/1/ns/ipc', 'pid']],
  ['hostIPC', { hostIPC: true }, ['mount', 'network /proc/1/ns/net', 'uts /proc/1/ns/uts', 'pid']],
  [
    'shared pids',
    { pid: '/proc/1/ns/pid' },
    ['mount', 'network /proc/1/ns/net', 'uts /proc/1/ns/uts', 'ipc /proc/1/ns/ipc', 'pid /proc/1/ns/pid'],
  ],
  ['cgroup v2', { hostNetwork: true, hostIPC: true, cgroup: true }, ['mount', 'pid', 'cgroup']],
]
for (const [name, more, wanted] of namespaceCases)
  t.test(`namespaces: ${name}`, async (t) => {
    const found = config({ namespaces: { ...input.namespaces, ...more } }).linux.namespaces
    t.same(
      found.map(({ type, path }) => (path === undefined ? type : `${type} ${path}`)),
      wanted,
    )
  })

t.test('what is masked', async (t) => {
  t.match(config().linux, { maskedPaths, readonlyPaths: readOnlyPaths })
  for (const more of [{ privileged: true }, { procMount: 'unmasked' }] as const)
    t.match(config(more).linux, { maskedPaths: [], readonlyPaths: [] })
  t.ok(optionsAt('/sys')?.includes('ro'))
  t.ok(optionsAt('/sys', { privileged: true })?.includes('rw'))
  t.ok(optionsAt('/sys', { procMount: 'unmasked' })?.includes('ro'), 'of /proc alone')
  t.ok(optionsAt('/sys/fs/cgroup')?.includes('ro'))
})

t.test('without control groups there is nothing to see of them', async (t) => {
  const { cgroup: _, ...without } = input
  const found = ociConfig(without)
  t.notOk(found.mounts.some(({ type }) => type === 'cgroup'))
  t.notOk('cgroupsPath' in found.linux || 'resources' in found.linux)
})

t.test('an ordinary user has one group', async (t) => {
  t.ok(optionsAt('/dev/pts')?.includes('gid=5'))
  t.notOk(optionsAt('/dev/pts', { hasTtyGroup: false })?.some((option) => option.startsWith('gid=')))
})

t.test("the node's message queues are not the pod's", async (t) => {
  t.ok(destinations().includes('/dev/mqueue'))
  t.notOk(destinations({ namespaces: { ...input.namespaces, hostIPC: true } }).includes('/dev/mqueue'))
})

t.test('mounts', async (t) => {
  const mounts = [mount('/v/deep', '/data/a/b'), mount('/v/log', '/dev/termination-log'), mount('/v/data', '/data')]
  const found = destinations({ mounts })
  t.same(found.slice(-3), ['/data', '/dev/termination-log', '/data/a/b'], 'what lies below comes later')
  t.ok(found.indexOf('/dev') < found.indexOf('/dev/termination-log'))
  t.same(optionsAt('/data', { mounts: [mount('/v', '/data')] }), ['rbind', 'rprivate', 'rw'])
  t.same(optionsAt('/data', { mounts: [{ ...mount('/v', '/data'), readOnly: true, propagation: 'rslave' }] }), [
    ...['rbind', 'rslave', 'ro'],
  ])
})

t.test("a volume in the place of one of the system's own", async (t) => {
  const found = destinations({ mounts: [mount('/node/dev', '/dev')] })
  t.same(
    found.filter((each) => each.startsWith('/dev')),
    ['/dev'],
  )
  t.equal(destinations({ mounts: [mount('/v', '/dev/shm')] }).filter((each) => each === '/dev/shm').length, 1)
  t.ok(destinations({ mounts: [mount('/v', '/device')] }).includes('/dev'), 'a name that begins alike')
})

t.test('propagation is that of the widest', async (t) => {
  const withThose = (...propagations: readonly ('private' | 'rslave' | 'rshared')[]) =>
    config({ mounts: propagations.map((propagation, at) => ({ ...mount('/v', `/v${at}`), propagation })) }).linux
      .rootfsPropagation
  t.equal(withThose('private'), undefined)
  t.equal(withThose('private', 'rslave'), 'rslave')
  t.equal(withThose('rslave', 'rshared', 'private'), 'rshared')
})
