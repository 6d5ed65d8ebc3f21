/** Plug-ins from files: what they may do, and how far what they do wrong goes. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { events, nodes, pods } from '../../../../src/api/resources.ts'
import type { Pod } from '../../../../src/api/types/index.ts'
import { defaultSettings } from '../../../../src/control/scheduler/config/settings.ts'
import type { PluginModule } from '../../../../src/control/scheduler/framework/module.ts'
import { loadScheduler } from '../../../../src/control/scheduler/load.ts'
import { type ControlPlane, startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'

const example = join(import.meta.dirname, '../../../../examples/scheduler')

const fileWith = async (t: Test, name: string, text: string): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'podway-plugin-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, name)
  await writeFile(file, text)
  return file
}

const add = ({ client }: ControlPlane, name: string, labels = {}, schedulerName = 'default-scheduler'): Promise<Pod> =>
  client.create(pods, {
    metadata: { name, namespace: 'default', labels },
    spec: { schedulerName, containers: [{ name: 'main', image: 'echo' }] },
  })

const nodeOf = ({ client }: ControlPlane, name: string): Promise<string> =>
  until(async () => (await client.get(pods, name, 'default')).spec.nodeName, `${name} to get its node`)

const eventOf = ({ client }: ControlPlane, name: string, says: RegExp): Promise<string> =>
  until(async () => {
    const all = (await client.list(events)).items.filter(({ involvedObject }) => involvedObject.name === name)
    return all.find(({ message = '' }) => says.test(message))?.message
  }, `the Event of ${name} that says ${says}`)

/** What its condition says; Events of one pod are limited. */
const saysOf = ({ client }: ControlPlane, name: string, says: RegExp): Promise<string> =>
  until(async () => {
    const { status } = await client.get(pods, name, 'default')
    const { message = '' } = status?.conditions?.find(({ type }) => type === 'PodScheduled') ?? {}
    return says.test(message) && message
  }, `${name} to wait because of ${says}`)

t.test('the example', async (t) => {
  const scheduler = await loadScheduler({
    config: join(example, 'config.yaml'),
    plugins: [join(example, 'quiet-hours.ts')],
  })
  const plane = await startControlPlane(t, { scheduler })
  await plane.addNode('n1')
  await add(plane, 'night', { batch: 'true' })
  t.equal(
    await eventOf(plane, 'night', /available/),
    '0/1 nodes are available: 1 node(s) were not for batch pods. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
  )
  await add(plane, 'day')
  await add(plane, 'packed', { batch: 'true' }, 'packing-scheduler')
  await add(plane, 'theirs', {}, 'another')
  t.same([await nodeOf(plane, 'day'), await nodeOf(plane, 'packed')], ['n1', 'n1'], 'it has no part in that profile')
  await plane.addNode('n2')
  await plane.client.patch(nodes, { metadata: { name: 'n2' } }, { metadata: { labels: { batch: 'cheap' } } })
  t.equal(await nodeOf(plane, 'night'), 'n2')
  const { source } = await until(async () => {
    const all = (await plane.client.list(events)).items
    return all.find(({ reason, involvedObject }) => reason === 'Scheduled' && involvedObject.name === 'packed')
  }, 'the Event')
  t.match(source, { component: 'packing-scheduler' })
  t.equal((await plane.client.get(pods, 'theirs', 'default')).spec.nodeName, undefined)
})

t.test('a plug-in that is broken is in the way of its own pods alone', async (t) => {
  let broken: string | undefined = 'filter'
  const fail = (step: string, pod: Pod): void => {
    if (pod.metadata.name === 'hers' && broken === step) throw new Error(`no ${step}\ntoday`)
  }
  let wake = (): void => undefined
  const module: PluginModule = {
    name: 'Broken',
    create: (_args, context) => {
      wake = () => context.wake('plugin')
      return {
        filter: {
          helpedBy: [],
          prepare: (pod) => {
            fail('filter', pod)
            return broken === 'objects' && pod.metadata.name === 'hers'
              ? { check: () => ({ reasons: ['node(s) were no good'], isFinal: true }) }
              : undefined
          },
        },
        score: {
          weight: 1,
          prepare: (pod) => () => (broken === 'score' && pod.metadata.name === 'hers' ? Number.NaN : 1),
        },
        reserve: { reserve: (pod) => fail('reserve', pod), release: (pod) => fail('reserve', pod) },
        permit: {
          timeoutMs: 100,
          permit: (pod) =>
            pod.metadata.name === 'hers' && broken === 'permit' ? new Promise(() => undefined) : undefined,
        },
      }
    },
  }
  const backoffMs = { base: 100, max: 100 }
  const plane = await startControlPlane(t, { scheduler: { ...defaultSettings, backoffMs, modules: [module] } })
  for (const name of ['n1', 'n2']) await plane.addNode(name)
  await add(plane, 'hers')
  await add(plane, 'others')
  t.ok(await nodeOf(plane, 'others'))
  t.equal(await saysOf(plane, 'hers', /filter/), 'running PreFilter plugin "Broken": no filter today')
  broken = 'score'
  t.equal(
    await saysOf(plane, 'hers', /score/),
    'running Score plugin "Broken": an invalid score NaN, it should be in the range of [0, 100]',
  )
  broken = 'reserve'
  t.equal(await saysOf(plane, 'hers', /reserve/), 'running Reserve plugin "Broken": no reserve\ntoday')
  broken = 'permit'
  t.equal(
    await saysOf(plane, 'hers', /timeout/),
    '0/1 nodes are available: 1 rejected due to timeout after waiting 0.1s at plugin Broken.',
  )
  broken = 'objects'
  await saysOf(plane, 'hers', /0\/2 nodes are available: 2 node\(s\) were no good\./)
  broken = undefined
  await until(async () => {
    wake()
    return (await plane.client.get(pods, 'hers', 'default')).spec.nodeName
  }, 'the pod to get its node once the plug-in says so')
})

t.test('files that are no plug-ins', async (t) => {
  const says = async (text: string, message: RegExp): Promise<void> => {
    const file = await fileWith(t, 'plugin.mjs', text)
    await t.rejects(loadScheduler({ plugins: [file] }), { message }, String(message))
    await t.rejects(loadScheduler({ plugins: [file] }), { message: new RegExp(`^--scheduler-plugin ${file}: `) })
  }
  await says('export default 1', /its default export has no name and no create\(\)$/)
  await says('export default {name: "a b", create: () => ({})}', /"a b" is no name for a plug-in$/)
  await says('export default {name: "NodeAffinity", create: () => ({})}', /there is a plug-in NodeAffinity already$/)
  await says('throw new Error("broken")', /broken$/)
  await t.rejects(loadScheduler({ plugins: ['/nowhere/plugin.js'] }), { message: /Cannot find module/ })
})

t.test('configurations that name what is not there', async (t) => {
  const says = async (text: string, message: RegExp): Promise<void> => {
    const head = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n'
    const config = await fileWith(t, 'config.yaml', `${head}${text}`)
    await t.rejects(loadScheduler({ config, plugins: [] }), { message }, String(message))
  }
  await says(
    'profiles: [{plugins: {score: {enabled: [{name: Zones}]}}}]',
    /^--scheduler-config \S+: default-scheduler: there is no plug-in "Zones"; there are NodeUnschedulable, /,
  )
  await says('profiles: [{pluginConfig: [{name: NodeAffinity, args: {}}]}]', /"NodeAffinity", which takes no args$/)
  await says(
    'extenders: [{urlPrefix: "https://h", filterVerb: f, tlsConfig: {caFile: /nowhere/ca.crt}}]',
    /^--scheduler-config \S+: ENOENT: .*\/nowhere\/ca\.crt/,
  )
  await says(
    'extenders: [{urlPrefix: "https://h", filterVerb: f, tlsConfig: {certData: eA==, keyData: eA==}}]',
    /the tlsConfig of https:\/\/h: /,
  )
  await says('kind: Other', /Map keys must be unique/)
  await t.rejects(loadScheduler({ config: '/nowhere/c.yaml', plugins: [] }), {
    message: /^--scheduler-config .*ENOENT/,
  })
})
