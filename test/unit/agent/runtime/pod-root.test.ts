import t from 'tap'
import { rightsWords } from '../../../../src/agent/runtime/process/rights.ts'
import { compilePodRoot, type PathKind } from '../../../../src/agent/runtime/shared/pod-root.ts'
import { parseMounts } from '../../../../src/host/mount-table.ts'

const mountinfo = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
28 27 254:1 / /usr/local rw,nosuid,noexec - ext4 /dev/vdb rw
29 27 0:40 / /run rw,nosuid,nodev shared:5 - tmpfs tmpfs rw
30 27 0:41 / /data\\040here rw - tmpfs tmpfs rw`

const place = { root: '/r', empty: '/e', settings: '/run/podway/etc/1', files: [] }
const compile = (kinds: Readonly<Record<string, PathKind>>, more: object = {}) =>
  compilePodRoot(
    { mounts: parseMounts(mountinfo), kinds: new Map(Object.entries(kinds)) },
    { ...place, programs: [], ...more },
  )
const lines = ({ mounts }: { readonly mounts: string }): readonly string[] => mounts.trim().split('\n')

t.test('mountinfo', async (t) => {
  t.same(parseMounts(mountinfo)[4], { target: '/data here', options: ['rw'], type: 'tmpfs' })
  t.equal(parseMounts(mountinfo)[3]?.type, 'tmpfs', 'optional fields come before the dash')
})

t.test('programs are read-only, with what is mounted below them', async (t) => {
  const plan = compile({ '/usr': 'folder', '/bin': { link: 'usr/bin' }, '/root/secret': 'file' })
  t.match(lines(plan), [
    '/usr /r/usr none rbind,ro,nodev 0 0',
    '/usr/local /r/usr/local none rbind,ro,nodev,nosuid,noexec 0 0',
    '/run/podway/etc/1 /r/etc none rbind,ro,nodev,nosuid 0 0',
  ])
  t.equal(plan.links.get('/bin'), 'usr/bin')
  t.notMatch(plan.mounts, /secret|^\/ /m)
  t.equal(plan.folders.get('/tmp'), 0o1777)
})

t.test('more programs, odd names among them', async (t) => {
  const programs = ['/data here/a\\b', '/usr/bin/node', '/gone', '/opt/node']
  const plan = compile(
    { '/usr': 'folder', '/data here/a\\b': 'folder', '/usr/bin/node': 'file', '/opt/node': 'file' },
    { programs },
  )
  t.match(plan.mounts, '/data\\040here/a\\134b /r/data\\040here/a\\134b none rbind,ro,nodev 0 0')
  t.notMatch(plan.mounts, /usr\/bin\/node|gone/, 'what is there with its folder, or not at all')
  t.same(
    plan.files.filter((path) => path.startsWith('/opt')),
    ['/opt/node'],
    'a file needs a place',
  )
})

t.test('/proc and /sys', async (t) => {
  const all = lines(compile({ '/proc/sys': 'folder', '/proc/kcore': 'file', '/proc/acpi': 'folder' }))
  const at = (line: string): number => all.indexOf(line)
  t.ok(at('proc /r/proc proc nosuid,nodev,noexec 0 0') >= 0)
  t.ok(
    at('/r/proc/sys /r/proc/sys none bind,ro,nosuid,nodev,noexec 0 0') >
      at('proc /r/proc proc nosuid,nodev,noexec 0 0'),
  )
  t.ok(at('/dev/null /r/proc/kcore none bind 0 0') > 0)
  t.ok(at('/e /r/proc/acpi none bind,ro 0 0') > 0)
  t.ok(at('sysfs /r/sys sysfs ro,nosuid,nodev,noexec 0 0') > 0)
})

t.test('files of the pod', async (t) => {
  const files = [
    { source: '/s/hosts', target: '/etc/hosts', kind: 'file', readOnly: false },
    { source: '/s/x', target: '/srv/deep/x', kind: 'file', readOnly: false },
  ]
  const plan = compile({}, { files })
  t.same(lines(plan).slice(-2), [
    '/s/hosts /r/etc/hosts none rbind,rw,nosuid,nodev 0 0',
    '/s/x /r/srv/deep/x none rbind,rw,nosuid,nodev 0 0',
  ])
  t.same(plan.files, ['/srv/deep/x'], 'the copy of /etc has places for those in it')
})

t.test('folders of the pod', async (t) => {
  const shown = { kind: 'folder', readOnly: true } as const
  const files = [{ source: '/s/v', target: '/var/run/secrets/kubernetes.io/serviceaccount', ...shown }]
  const plan = compile({}, { files })
  const path = '/run/secrets/kubernetes.io/serviceaccount'
  t.same(lines(plan).slice(-1), [`/s/v /r${path} none rbind,ro,nosuid,nodev 0 0`], '/var/run is a link')
  for (const folder of ['/run', '/run/secrets', '/run/secrets/kubernetes.io', path])
    t.equal(plan.folders.get(folder), 0o755, `whoever the container runs as gets into ${folder}`)
  t.same(plan.files, [])
})

t.test('no volume is where programs run with the rights of the node', async (t) => {
  const at =
    (target: string, kind: 'file' | 'folder' = 'folder') =>
    () =>
      compile({}, { files: [{ source: '/s', target, kind, readOnly: true }] })
  const refused = ['/', '/bin', '/usr', '/usr/local/bin/x', '/lib64', '/etc', '/etc/ld.so.preload', '/proc/1', '/dev/x']
  for (const target of refused) {
    t.throws(at(target), { message: `no volume can be at ${target}: pods run programs of the node from there` })
    t.throws(at(target, 'file'), { message: /no volume can be at/ })
  }
  t.throws(at('/etc/hosts'), { message: /no volume can be at/ })
  const both =
    (...targets: readonly string[]) =>
    () =>
      compile({}, { files: targets.map((target) => ({ source: '/s', target, kind: 'folder', readOnly: false })) })
  t.throws(both('/data/inner', '/data'), {
    message: 'no volume can be at /data/inner: it is in another volume of the pod',
  })
  t.throws(both('/run/x', '/var/run'), { message: /no volume can be at/ })
  t.doesNotThrow(both('/data', '/data2'))
  for (const target of ['/data', '/usr2', '/var/lib/x', '/tmp', '/opt/bin']) t.doesNotThrow(at(target), target)
})

t.test('rights', async (t) => {
  const usual = rightsWords({}, true)
  t.equal(usual[0], '--clear-groups')
  t.match(usual[1], /^--bounding-set=-all,\+audit_write,.*\+sys_chroot$/)
  t.notMatch(usual[1], /sys_admin|net_admin|mknod|dac_read_search|sys_ptrace/)
  t.same(rightsWords({ capabilities: 'all' }, false), [])
  t.same(rightsWords({ capabilities: [], user: { uid: 5, gid: 6 }, groups: [7, 8], noNewPrivileges: true }, true), [
    ...['--reuid=5', '--regid=6', '--groups=7,8', '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'],
  ])
})
