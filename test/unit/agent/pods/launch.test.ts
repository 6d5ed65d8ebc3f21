import t from 'tap'
import { containerSpecOf } from '../../../../src/agent/pods/launch.ts'
import type { Container, PodSpec } from '../../../../src/api/types/index.ts'
import { pod } from './builders.ts'

const spec = (container: Partial<Container>, podSpec: Partial<PodSpec> = {}) =>
  containerSpecOf(pod(podSpec), { name: 'main', command: ['run'], ...container }, { A: '1' })

t.test('the plain case', async (t) => {
  t.same(spec({}), { name: 'main', command: ['run'], env: { A: '1' }, workingDir: '/', limits: {} })
  t.match(spec({ workingDir: '/srv', args: ['$(A)'] }), { workingDir: '/srv', command: ['run', '1'] })
})

t.test('limits', async (t) => {
  const resources = { limits: { cpu: '1500m', memory: '64Mi', 'example.com/x': '1' }, requests: { memory: '1Gi' } }
  t.same(spec({ resources }).limits, { cpuMilli: 1500, memoryBytes: 64 << 20 })
})

t.test('who it runs as', async (t) => {
  t.equal(spec({ securityContext: { runAsUser: 0 } }).user, undefined)
  t.same(spec({ securityContext: { runAsUser: 5 } }).user, { uid: 5, gid: 0 })
  const podWide = { securityContext: { runAsUser: 7, runAsGroup: 8 } }
  t.same(spec({}, podWide).user, { uid: 7, gid: 8 })
  t.same(spec({ securityContext: { runAsUser: 9 } }, podWide).user, { uid: 9, gid: 8 })
  t.throws(() => spec({ securityContext: { runAsNonRoot: true } }), { name: 'ConfigError', message: /runAsNonRoot/ })
  t.match(spec({ securityContext: { runAsNonRoot: true, runAsUser: 5 } }), { user: { uid: 5 } })
  t.equal(spec({ securityContext: { allowPrivilegeEscalation: false } }).noNewPrivileges, true)
})

t.test('nothing to run', async (t) => {
  t.throws(() => spec({ command: [], image: 'nginx' }), {
    name: 'NoCommandError',
    message: 'the process runtime runs commands of the node, not images: give container main a command',
  })
})

t.test('groups', async (t) => {
  t.same(spec({}, { securityContext: { supplementalGroups: [5, 6], fsGroup: 6 } }).groups, [5, 6])
})

t.test('capabilities', async (t) => {
  const of = (securityContext: Container['securityContext']) => spec({ securityContext }).capabilities
  t.equal(of({}), undefined)
  t.equal(of({ privileged: true }), 'all')
  t.same(of({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } }), ['net_bind_service'])
  t.same(of({ capabilities: { drop: ['all'] } }), [])
  t.ok(of({ capabilities: { add: ['CAP_NET_ADMIN'] } })?.includes('net_admin'))
  t.notOk(of({ capabilities: { add: ['ALL'], drop: ['SYS_ADMIN'] } })?.includes('sys_admin'))
  t.notOk(of({ capabilities: { drop: ['NET_RAW'] } })?.includes('net_raw'))
  t.throws(() => of({ capabilities: { add: ['FLY,+sys_admin'] } }), {
    name: 'ConfigError',
    message: /unknown capability "FLY,\+sys_admin"/,
  })
})
