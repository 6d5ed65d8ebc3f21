import t from 'tap'
import { type ContainerInput, configInput, wantedUser } from '../../../../../src/agent/runtime/oci/container-config.ts'
import type { NodeFacts } from '../../../../../src/agent/runtime/oci/node-facts.ts'
import { containerSpec, sandboxSpec } from '../../../../support/runtime-contract.ts'

const capabilities = new Set(['chown', 'setuid', 'kill', 'net_admin', 'mknod', 'sys_resource'])
const facts: NodeFacts = {
  ...{
    capabilities,
    arch: 'x64',
    isCgroup2: false,
    hasTtyGroup: true,
    isUserNamespace: false,
    hasSELinux: false,
    oomScoreAdjust: 0,
  },
}
const input: ContainerInput = {
  ...{
    sandbox: sandboxSpec('a'),
    spec: containerSpec('/logs', 'main', ['true']),
    facts,
    user: { uid: 0, gid: 0, groups: [] },
  },
  ...{
    namespaces: '/proc/1/ns',
    joinedPids: undefined,
    shm: '/shm',
    cgroupPath: 'podway/x',
    devices: [],
    seccompFile: undefined,
    mounts: [],
  },
}
const of = (spec: Partial<ContainerInput['spec']> = {}, more: Partial<ContainerInput> = {}) =>
  configInput({ ...input, spec: { ...input.spec, ...spec }, ...more })

t.test('who', async (t) => {
  const user = (spec: Partial<ContainerInput['spec']>) => wantedUser({ ...input.spec, ...spec })
  t.same(user({}), { user: '0', groups: [] })
  t.same(user({ user: { uid: 5, gid: 6 }, groups: [7] }), { user: '5', group: '6', groups: [7] })
  t.same(user({ user: { uid: 5 } }), { user: '5', groups: [] }, 'with the group that the image says')
  t.same(user({ user: { named: 'www:web' } }), { user: 'www', group: 'web', groups: [] })
  t.same(user({ user: { named: 'www:web', gid: 9 } }), { user: 'www', group: '9', groups: [] }, 'the pod says')
  t.same(user({ user: { named: ':web' } }), { user: '0', group: 'web', groups: [] })
})

t.test('nobody traces the runtime program, which is among the processes of a pod that shares them', async (t) => {
  const sandbox = { ...sandboxSpec('a'), shareProcessNamespace: true }
  const node = { ...facts, capabilities: new Set([...capabilities, 'sys_ptrace']) }
  const shared = (spec: Partial<ContainerInput['spec']>) => of(spec, { sandbox, facts: node }).process.capabilities
  t.throws(() => shared({ capabilities: ['sys_ptrace'] }), /SYS_PTRACE leads to this node/)
  t.throws(() => shared({ capabilities: 'all' }), /SYS_PTRACE leads to this node/)
  t.same(shared({ capabilities: ['chown'] }), ['chown'])
  t.ok(
    shared({ capabilities: 'all', privileged: true }).includes('sys_ptrace'),
    'which is privileged has the node anyway',
  )
  t.same(
    of({ capabilities: ['sys_ptrace'] }, { facts: node }).process.capabilities,
    ['sys_ptrace'],
    'nor is it seen elsewhere',
  )
})

t.test('capabilities are those that the node has', async (t) => {
  t.same(of().process.capabilities, ['chown', 'kill', 'setuid'], 'of the usual ones')
  t.same(of({ capabilities: 'all' }).process.capabilities, [...capabilities])
  t.same(of({ capabilities: ['net_admin'] }).process.capabilities, ['net_admin'])
  t.throws(() => of({ capabilities: ['sys_admin', 'chown'] }), /this node itself has not the capability SYS_ADMIN/)
})

t.test('who may make devices is guarded by control groups, or has none', async (t) => {
  const mknod = { capabilities: ['mknod'] }
  t.same(of(mknod).process.capabilities, ['mknod'])
  t.throws(() => of(mknod, { cgroupPath: undefined }), /MKNOD opens all devices/)
  const rootless = { ...facts, isUserNamespace: true }
  t.same(of(mknod, { cgroupPath: undefined, facts: rootless }).process.capabilities, ['mknod'])
})

t.test('who may write to a device of the pod', async (t) => {
  const device = (path: string, minor: number) => ({
    ...{ path, type: 'b' as const, major: 8, minor, fileMode: 0o660, uid: 0, gid: 6 },
  })
  const devices = [device('/dev/claimed', 1), device('/dev/read', 2)]
  const spec = {
    devices: [
      { source: '/dev/sda1', target: '/dev/claimed', readOnly: false },
      { source: '/dev/sda2', target: '/dev/read', readOnly: true },
    ],
  }
  t.same(of(spec, { devices }).cgroup?.resources.devices?.slice(-2), [
    { allow: true, type: 'b', major: 8, minor: 1, access: 'rw' },
    { allow: true, type: 'b', major: 8, minor: 2, access: 'r' },
  ])
  const unguarded = { devices, cgroupPath: undefined }
  t.throws(() => of(spec, unguarded), /\/dev\/read would not be read-only/)
  t.same(of({ ...spec, privileged: true }, unguarded).devices, devices, 'who may do all is not held back')
})

t.test('seccomp', async (t) => {
  const seccompFile = { defaultAction: 'SCMP_ACT_KILL' }
  t.equal(of().seccomp, undefined)
  t.equal(of({ seccomp: 'unconfined' }).seccomp, undefined)
  t.match(of({ seccomp: 'default' }).seccomp, { defaultAction: 'SCMP_ACT_ERRNO' })
  t.equal(of({ seccomp: { file: 'x' } }, { seccompFile }).seccomp, seccompFile)
  t.equal(of({ seccomp: 'default', privileged: true }).seccomp, undefined)
})

t.test('namespaces', async (t) => {
  const ofPod = (more: Partial<ContainerInput['sandbox']>) => of({}, { sandbox: sandboxSpec('a', more) }).namespaces
  t.match(ofPod({}), { hostNetwork: false, hostIPC: false, pid: undefined, cgroup: false })
  t.equal(ofPod({ shareProcessNamespace: true }).pid, '/proc/1/ns/pid')
  t.match(ofPod({ hostPID: true, hostIPC: true, hostNetwork: true }), {
    pid: '/proc/1/ns/pid',
    hostIPC: true,
    hostNetwork: true,
  })
  const joinedPids = '/proc/7/ns/pid'
  t.equal(of({}, { joinedPids }).namespaces.pid, joinedPids, 'those of a target')
  t.equal(of({}, { facts: { ...facts, isCgroup2: true } }).namespaces.cgroup, true)
  t.equal(of({}, { facts: { ...facts, isCgroup2: true }, cgroupPath: undefined }).namespaces.cgroup, false)
})

t.test('mounts of the pod, of the runtime, of the container: the last at one place counts', async (t) => {
  const mount = (source: string, target: string, more = {}) => ({
    source,
    target,
    kind: 'file' as const,
    readOnly: true,
    ...more,
  })
  const sandbox = sandboxSpec('a', { mounts: [mount('/pod/hosts', '/etc/hosts'), mount('/pod/x', '/x')] })
  const { mounts } = of(
    { mounts: [mount('/own/hosts', '/etc/hosts', { propagation: 'host-to-container' })] },
    { sandbox, mounts: [mount('/runtime/log', '/dev/log')] },
  )
  t.same(
    mounts.map(({ source, propagation }) => `${source} ${propagation}`),
    ['/own/hosts rslave', '/pod/x private', '/runtime/log private'],
  )
})

t.test('nobody works in /proc', async (t) => {
  for (const workingDir of ['/proc', '/proc/self/fd/7', '//proc/1', '/x/../proc/self', '/./proc/self/cwd'])
    t.throws(() => of({ workingDir }), /lies in \/proc/, workingDir)
  for (const workingDir of ['/', '', '/processes', '/srv/proc'])
    t.equal(of({ workingDir }).process.cwd, workingDir || '/')
})

t.test('programs are found in an image that says nothing of them', async (t) => {
  t.match(of({ env: { A: '1' } }).process.env, { A: '1', PATH: /^\/usr\/local\/sbin:.*:\/bin$/ })
  t.equal(of({ env: { PATH: '/own' } }).process.env['PATH'], '/own')
})

t.test('a terminal has a type', async (t) => {
  t.equal(of({ tty: true }).process.env['TERM'], 'xterm')
  t.equal(of({ tty: true, env: { TERM: 'vt100' } }).process.env['TERM'], 'vt100')
  t.equal(of().process.env['TERM'], undefined)
})

t.test('who is ended first when memory runs out', async (t) => {
  const limits = { oomScoreAdjust: -997 }
  t.equal(of({ limits }).process.oomScoreAdj, -997)
  const weak = { ...facts, capabilities: new Set(['chown']), oomScoreAdjust: -5 }
  t.equal(of({ limits }, { facts: weak }).process.oomScoreAdj, -5, 'not before us')
  t.equal(of().process.oomScoreAdj, undefined)
})
