import t from 'tap'
import { containerSpecOf } from '../../../../src/agent/pods/container-spec.ts'
import type { Image, ImageConfig } from '../../../../src/agent/runtime/images.ts'
import type { Container, PodSpec } from '../../../../src/api/types/index.ts'
import { pod } from './builders.ts'

const noImage: Image = {
  ...{ id: '', digest: '', names: [], sizeBytes: 0, limitations: [] },
  config: { entrypoint: [], cmd: [], env: {}, user: '', workingDir: '' },
}

const noTraits = { hasImages: false, nodeBytes: 0 }

const spec = (container: Partial<Container>, podSpec: Partial<PodSpec> = {}) =>
  containerSpecOf(pod(podSpec), { name: 'main', command: ['run'], ...container }, noImage, { A: '1' }, noTraits)

/** From an image. */
const imageSpec = (
  config: Partial<ImageConfig>,
  container: Partial<Container> = {},
  podSpec: Partial<PodSpec> = {},
) => {
  const image = { ...noImage, id: 'sha256:1', digest: 'r/web@sha256:2', config: { ...noImage.config, ...config } }
  return containerSpecOf(
    pod(podSpec),
    { name: 'main', image: 'r/web:1', ...container },
    image,
    { A: '1' },
    { hasImages: true, nodeBytes: 1000 << 20 },
  )
}

t.test('the plain case', async (t) => {
  t.same(spec({}), { name: 'main', command: ['run'], env: { A: '1' }, workingDir: '/', limits: {} })
  t.match(spec({ workingDir: '/srv', args: ['$(A)'] }), { workingDir: '/srv', command: ['run', '1'] })
})

t.test('limits', async (t) => {
  const resources = { limits: { cpu: '1500m', memory: '64Mi', 'example.com/x': '1' }, requests: { memory: '1Gi' } }
  t.same(spec({ resources }).limits, { cpuMilli: 1500, cpuRequestMilli: 1500, memoryBytes: 64 << 20 })
})

t.test('who it runs as', async (t) => {
  t.equal(spec({ securityContext: { runAsUser: 0 } }).user, undefined)
  t.same(spec({ securityContext: { runAsUser: 5 } }).user, { uid: 5 }, "its group is the image's to say")
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

t.test('what an image says, and a pod may say otherwise', async (t) => {
  const config = {
    entrypoint: ['/web'],
    cmd: ['--serve', '$(A)'],
    user: 'www:www',
    workingDir: '/srv',
    stopSignal: 'SIGQUIT',
  }
  const image = { id: 'sha256:1', digest: 'r/web@sha256:2', name: 'r/web:1' }
  t.match(imageSpec(config), {
    ...{ image, command: ['/web', '--serve', '$(A)'], user: { named: 'www:www' }, workingDir: '/srv' },
    stopSignal: 'SIGQUIT',
  })
  t.same(imageSpec(config, { args: ['$(A)'] }).command, ['/web', '1'])
  t.same(imageSpec(config, { command: ['sh'] }).command, ['sh'], "the image's arguments are of its own command")
  t.same(imageSpec(config, { command: ['sh'], args: ['-c'] }).command, ['sh', '-c'])
  t.same(imageSpec(config, {}, { securityContext: { runAsUser: 5 } }).user, { uid: 5 })
  t.same(imageSpec(config, {}, { securityContext: { runAsGroup: 7 } }).user, { named: 'www:www', gid: 7 })
  t.throws(() => imageSpec({}), { name: 'NoCommandError', message: 'no command specified' })
})

t.test('an image whose user must not be root', async (t) => {
  const asking = { securityContext: { runAsNonRoot: true } }
  const command = { entrypoint: ['/web'] }
  t.throws(() => imageSpec(command, {}, asking), { name: 'ConfigError', message: /would run as root/ })
  t.throws(() => imageSpec({ ...command, user: '0:5' }, {}, asking), { name: 'ConfigError', message: /run as root/ })
  t.throws(() => imageSpec({ ...command, user: 'www' }, {}, asking), {
    name: 'ConfigError',
    message: /non-numeric user \(www\), cannot verify user is non-root/,
  })
  for (const user of ['4294967296', '4294967295', '9'.repeat(400)])
    t.throws(() => imageSpec({ ...command, user }, {}, asking), {
      name: 'ConfigError',
      message: /no user has the number/,
    })
  t.same(imageSpec({ ...command, user: '1000' }, {}, asking).user, { named: '1000' })
})

t.test('restrictions', async (t) => {
  const podWide = { securityContext: { seccompProfile: { type: 'RuntimeDefault' }, seLinuxOptions: { level: 's0' } } }
  t.match(spec({}, podWide), { seccomp: 'default', seLinux: { level: 's0' } })
  t.equal(spec({ securityContext: { seccompProfile: { type: 'Unconfined' } } }, podWide).seccomp, undefined)
  const own = { type: 'Localhost', localhostProfile: 'audit.json' }
  t.same(spec({ securityContext: { seccompProfile: own } }, podWide).seccomp, { file: 'audit.json' })
  t.match(spec({ securityContext: { privileged: true } }, podWide), { privileged: true, seccomp: undefined })
  t.same(spec({ securityContext: { appArmorProfile: own } }).appArmor, { profile: 'audit.json' })
  t.match(spec({ securityContext: { readOnlyRootFilesystem: true, procMount: 'Unmasked' } }), {
    ...{ readOnlyRoot: true, unmaskedProc: true },
  })
  t.throws(() => spec({ securityContext: { seccompProfile: { type: 'Localhost' } } }), { name: 'ConfigError' })
})

t.test('pages that are huge', async (t) => {
  const resources = { limits: { 'hugepages-2Mi': '4Mi' }, requests: { cpu: '100m' } }
  t.same(spec({ resources }).limits, { cpuRequestMilli: 100, hugepages: new Map([[2 << 20, 4 << 20]]) })
})

t.test('last words of containers of images', async (t) => {
  const from = (container: Partial<Container>) => imageSpec({ cmd: ['run'] }, container).terminationMessage
  t.same(from({}), { path: '/dev/termination-log', fallBackToLogs: false })
  t.same(from({ terminationMessagePath: '/last', terminationMessagePolicy: 'FallbackToLogsOnError' }), {
    ...{ path: '/last', fallBackToLogs: true },
  })
  t.equal(spec({ terminationMessagePath: '/last' }).terminationMessage, undefined)
})

t.test('who is ended first when memory runs out, by the class of the pod', async (t) => {
  const scoreOf = (qosClass: string, container: Partial<Container> = {}) => {
    const image = { ...noImage, config: { ...noImage.config, cmd: ['run'] } }
    const judged = { ...pod({}), status: { qosClass } }
    return containerSpecOf(
      judged,
      { name: 'main', ...container },
      image,
      {},
      { hasImages: true, nodeBytes: 1000 << 20 },
    ).limits.oomScoreAdjust
  }
  t.equal(scoreOf('Guaranteed'), -997)
  t.equal(scoreOf('BestEffort'), 1000)
  t.equal(scoreOf('Burstable', { resources: { requests: { memory: '250Mi' } } }), 750)
  t.equal(scoreOf('Burstable', { resources: { limits: { memory: '100Mi' } } }), 900)
})
