import t from 'tap'
import type { ContainerSpec } from '../../../../../src/agent/runtime/containers.ts'
import { containerConfig } from '../../../../../src/agent/runtime/cri/container-config.ts'
import { namespacesOf, sandboxConfig } from '../../../../../src/agent/runtime/cri/sandbox-config.ts'
import { containerSpec, sandboxSpec } from '../../../../support/runtime-contract.ts'

const image = { id: 'sha256:1', digest: 'test/it@sha256:1', name: 'test/it:2' }

const configOf = (more: Partial<ContainerSpec> = {}, sandbox = sandboxSpec('a')) =>
  containerConfig({
    ...{ node: 'n', sandbox, spec: containerSpec('/logs', 'main', ['run', '$(HOME)'], more), image },
    ...{ logPath: 'main/0.log', seccompDir: '/data/seccomp', mounts: [], targetId: undefined },
  })
const securityOf = (more: Partial<ContainerSpec>) => configOf(more).linux.securityContext

t.test('what a container is', async (t) => {
  const found = configOf({ env: { A: 'b=c' }, stdin: 'once', tty: true, workingDir: '/srv' })
  t.match(found, {
    ...{ command: ['run', '$(HOME)'], workingDir: '/srv', envs: [{ key: 'A', value: 'b=c' }], logPath: 'main/0.log' },
    ...{ stdin: true, stdinOnce: true, tty: true, image: { image: 'sha256:1', userSpecifiedImage: 'test/it:2' } },
  })
  t.match(configOf({ stdin: 'kept' }), { stdin: true, stdinOnce: false, tty: false })
})

t.test('whose it is', async (t) => {
  const ids = (uid: number, gid: number) => ({ runAsUser: { value: uid }, runAsGroup: { value: gid } })
  t.match(securityOf({}), ids(0, 0), 'root, whoever the image would be')
  t.match(securityOf({ user: { uid: 7, gid: 8 }, groups: [9] }), { ...ids(7, 8), supplementalGroups: [9] })
  const alone = securityOf({ user: { uid: 7 } })
  t.match(alone, { runAsUser: { value: 7 } })
  t.notOk('runAsGroup' in alone, "the group is the image's to say")
  const own = securityOf({ user: { named: 'www:staff' } })
  t.same([own.runAsUser, own.runAsGroup, own.runAsUsername], [undefined, undefined, undefined], "the image's own")
  t.match(securityOf({ user: { named: 'www', gid: 5 } }), { runAsUsername: 'www', runAsGroup: { value: 5 } })
  t.match(securityOf({ user: { named: '33:44', gid: 5 } }), ids(33, 5))
})

t.test('what it may do', async (t) => {
  t.equal(securityOf({}).capabilities, undefined, "the runtime's usual ones")
  t.same(securityOf({ capabilities: ['net_admin'] }).capabilities, {
    addCapabilities: ['NET_ADMIN'],
    dropCapabilities: ['ALL'],
  })
  t.same(securityOf({ capabilities: 'all' }).capabilities, { addCapabilities: ['ALL'], dropCapabilities: [] })
  t.match(securityOf({}), { seccomp: { profileType: 'Unconfined' }, privileged: false, noNewPrivs: false })
  t.match(securityOf({ seccomp: 'default', noNewPrivileges: true, readOnlyRoot: true }), {
    ...{ seccomp: { profileType: 'RuntimeDefault' }, seccompProfilePath: 'runtime/default' },
    ...{ noNewPrivs: true, readonlyRootfs: true },
  })
  t.match(securityOf({ seccomp: { file: 'a/b.json' } }), {
    seccomp: { profileType: 'Localhost', localhostRef: '/data/seccomp/a/b.json' },
  })
  for (const file of ['../x', '/etc/x', 'a/../../x', '..'])
    t.throws(() => securityOf({ seccomp: { file } }), /does not lie below \/data\/seccomp/, file)
  t.match(securityOf({ appArmor: { profile: 'mine' } }), {
    ...{ apparmor: { profileType: 'Localhost', localhostRef: 'mine' }, apparmorProfile: 'localhost/mine' },
  })
  t.match(securityOf({ seLinux: { level: 's0' } }), { selinuxOptions: { user: '', role: '', type: '', level: 's0' } })
  t.ok(securityOf({}).maskedPaths.includes('/proc/kcore'))
  t.ok(securityOf({}).readonlyPaths.includes('/proc/sys'))
  for (const open of [{ privileged: true }, { unmaskedProc: true }])
    t.same([securityOf(open).maskedPaths, securityOf(open).readonlyPaths], [[], []])
  t.equal(securityOf({ privileged: true, seccomp: 'default' }).seccomp, undefined)
})

t.test('what it sees', async (t) => {
  const at = (source: string, target: string) => ({ source, target, kind: 'file' as const, readOnly: true })
  const mount = { containerPath: '/t', readonly: true, propagation: 'PROPAGATION_PRIVATE' as const }
  const sandbox = sandboxSpec('a', { mounts: [at('/1', '/t'), at('/1', '/other')] })
  t.same(configOf({ mounts: [at('/2', '/t')] }, sandbox).mounts, [
    { ...mount, hostPath: '/2' },
    { ...mount, containerPath: '/other', hostPath: '/1' },
  ])
  const propagating = { ...at('/1', '/t'), propagation: 'bidirectional' as const }
  t.match(configOf({ mounts: [propagating] }).mounts, [{ propagation: 'PROPAGATION_BIDIRECTIONAL' }])
  const devices = [
    { source: '/dev/a', target: '/x', readOnly: true },
    { source: '/dev/b', target: '/y', readOnly: false },
  ]
  t.same(configOf({ devices }).devices, [
    { containerPath: '/x', hostPath: '/dev/a', permissions: 'r' },
    { containerPath: '/y', hostPath: '/dev/b', permissions: 'rw' },
  ])
})

t.test('what it may use', async (t) => {
  t.same(configOf({ limits: {} }).linux.resources, { cpuShares: 2 })
  const limits = { cpuMilli: 500, cpuRequestMilli: 250, memoryBytes: 1 << 20, oomScoreAdjust: 900 }
  t.same(configOf({ limits: { ...limits, hugepages: new Map([[2 << 20, 4 << 20]]) } }).linux.resources, {
    ...{ cpuPeriod: 100_000, cpuQuota: 50_000, cpuShares: 256, memoryLimitInBytes: 1 << 20, oomScoreAdj: 900 },
    hugepageLimits: [{ pageSize: '2MB', limit: 4 << 20 }],
  })
})

t.test('sandboxes', async (t) => {
  const namespaces = (more: Parameters<typeof sandboxSpec>[1]) => namespacesOf(sandboxSpec('a', more))
  t.same(namespaces({}), { network: 'POD', pid: 'CONTAINER', ipc: 'POD' })
  t.same(namespaces({ shareProcessNamespace: true }), { network: 'POD', pid: 'POD', ipc: 'POD' })
  t.same(namespaces({ hostNetwork: true, hostPID: true, hostIPC: true }), { network: 'NODE', pid: 'NODE', ipc: 'NODE' })
  t.match(sandboxConfig('n', sandboxSpec('a', { sysctls: { 'net.x': '1' }, privileged: true }), 2, '/logs'), {
    ...{ metadata: { uid: 'a', attempt: 2 }, hostname: 'pod-a', logDirectory: '/logs' },
    linux: { sysctls: { 'net.x': '1' }, securityContext: { privileged: true } },
  })
  t.equal(sandboxConfig('n', sandboxSpec('a', { hostNetwork: true }), 0, '').hostname, '', "the node's own")
})
