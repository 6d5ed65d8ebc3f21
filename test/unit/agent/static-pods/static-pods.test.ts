/** Pods of files of the node: they run whatever the API says, and it shows them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createFakeNetwork } from '../../../../src/agent/fake-network.ts'
import { createPodAgent } from '../../../../src/agent/pod-agent.ts'
import { createFakeRuntime } from '../../../../src/agent/runtime/fake-runtime.ts'
import { systemClock } from '../../../../src/api/clock.ts'
import { nodes, pods } from '../../../../src/api/resources.ts'
import type { Event, Pod } from '../../../../src/api/types/index.ts'
import { openClusterApi } from '../../../support/cluster-api.ts'
import { agentOptions, questions } from '../../../support/pod-agent.ts'
import { until } from '../../../support/until.ts'

const manifest = (name: string, spec: object = {}) =>
  JSON.stringify({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name } },
    spec: {
      ...{ terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: 'any', command: ['sleep', '3600'] }] },
      ...spec,
    },
  })

const start = async (t: Test, files: Readonly<Record<string, string>>) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-'))
  const podManifestPath = join(folder, 'manifests')
  mkdirSync(podManifestPath)
  const write = (name: string, text: string) => writeFileSync(join(podManifestPath, name), text)
  for (const [name, text] of Object.entries(files)) write(name, text)
  const api = await openClusterApi()
  const asked = questions(api)
  await asked.client.create(nodes, { metadata: { name: 'node-a' } })
  // It outlives agents, as processes do.
  const listeners = new Set<(uid: string) => void>()
  const onChange = (uid: string): void => {
    for (const listener of listeners) listener(uid)
  }
  const runtime = createFakeRuntime({ clock: systemClock, onChange })
  const run = async () => {
    const stop = new AbortController()
    const options = agentOptions(api, folder, (listener) => {
      listeners.add(listener)
      return runtime
    })
    const agent = createPodAgent({ ...options, network: createFakeNetwork(), podManifestPath })
    const running = agent.run(stop.signal)
    const end = async (): Promise<void> => {
      stop.abort()
      await running
    }
    t.teardown(end)
    return { agent, end }
  }
  t.teardown(() => rmSync(folder, { recursive: true }))
  const remove = (name: string) => rmSync(join(podManifestPath, name))
  const uidOf = (name: string) => asked.get(name)?.metadata.annotations?.['kubernetes.io/config.mirror']
  const nodeEvents = () =>
    (api.all('events') as readonly Event[])
      .filter(({ involvedObject }) => involvedObject.kind === 'Node')
      .map(({ reason, message }) => `${reason}: ${message}`)
  const startsOf = (uid = '') => runtime.calls.filter((call) => call === `start-container ${uid}_main_0`).length
  return { ...asked, api, run, runtime, write, remove, uidOf, nodeEvents, startsOf, podManifestPath }
}

t.test('one is shown at the API by a mirror, which a user may delete, and the pod runs on', async (t) => {
  const { run, get, isReady, uidOf, client, runtime, startsOf } = await start(t, { 'web.yaml': manifest('web') })
  const { agent } = await run()
  const name = 'web-node-a'
  await until(() => isReady(name), 'the mirror to be ready')
  const first = get(name)
  const uid = uidOf(name) ?? ''
  t.match(first, {
    metadata: { ownerReferences: [{ kind: 'Node', name: 'node-a', controller: true }] },
    status: { phase: 'Running', containerStatuses: [{ name: 'main', containerID: `fake://${uid}_main_0` }] },
  })
  t.not(first?.metadata.uid, uid)
  t.equal(agent.pods.get(`default/${name}`)?.metadata.uid, uid, 'who asks for its logs finds the pod of the file')
  await client.delete(pods, { metadata: { name, namespace: 'default' } })
  await until(() => get(name) && get(name)?.metadata.uid !== first?.metadata.uid && isReady(name), 'another mirror')
  t.equal(startsOf(uid), 1)
  t.notOk(
    runtime.calls.some((call) => call.startsWith('signal')),
    'nothing of the pod was ended',
  )
  runtime.finish(`${uid}_main_0`, 1)
  await until(() => get(name)?.status?.containerStatuses?.[0]?.restartCount === 1 && isReady(name), 'a restart, told')
})

t.test('files that come, change, are wrong, and go', async (t) => {
  const { run, get, isReady, uidOf, write, remove, nodeEvents, runtime, podManifestPath } = await start(t, {
    ...{ 'bad.yaml': 'kind: [', 'web.yaml': manifest('web'), '.hidden': 'kind: [', 'z.yaml': manifest('web') },
  })
  await run()
  await until(() => isReady('web-node-a'), 'the good one')
  const file = join(podManifestPath, 'bad.yaml')
  await until(() => nodeEvents().length === 2, 'what is said of the others')
  t.match(nodeEvents().sort(), [
    new RegExp(
      `^InvalidStaticPod: invalid static pod manifest ${file}: it is no YAML: .*correct the file or remove it$`,
    ),
    /^InvalidStaticPod: static pod manifest .*z.yaml describes pod default\/web-node-a a second time/,
  ])
  write('bad.yaml', manifest('late'))
  await until(() => isReady('late-node-a'), 'the one that was mended')
  const before = uidOf('web-node-a')
  write('web.yaml', 'kind: [')
  await until(
    () => nodeEvents().some((said) => /web.yaml.*its pod default\/web-node-a stays as it was/.test(said)),
    'a word',
  )
  t.equal(uidOf('web-node-a'), before)
  remove('z.yaml')
  write('web.yaml', manifest('web', { hostname: 'other' }))
  await until(() => uidOf('web-node-a') !== before && isReady('web-node-a'), 'the new one in place of the old', 30_000)
  t.ok(
    runtime.calls.indexOf(`end ${before}`) < runtime.calls.indexOf(`start-sandbox ${uidOf('web-node-a')}`),
    'one after the other',
  )
  remove('web.yaml')
  await until(() => !get('web-node-a'), 'the end of its mirror')
  t.ok(isReady('late-node-a'))
})

t.test('they run without the API, and are found by the next agent', async (t) => {
  const { run, api, isReady, uidOf, runtime, startsOf, create, get } = await start(t, { 'web.yaml': manifest('web') })
  const fail = () => {
    throw new Error('connect ECONNREFUSED')
  }
  api.interfere(fail)
  const first = await run()
  await until(() => runtime.calls.some((call) => call.startsWith('start-container')), 'its container')
  await first.end()
  const second = await run()
  api.interfere(undefined)
  await until(() => isReady('web-node-a'), 'the mirror, once there is an API')
  t.equal(startsOf(uidOf('web-node-a')), 1)
  await create({
    metadata: { name: 'api', namespace: 'default' },
    spec: { nodeName: 'node-a', containers: [{ name: 'main', image: 'any', command: ['sleep', '1'] }] },
  })
  await until(() => isReady('api'), 'a pod of the API beside it')
  await second.end()
  api.interfere(fail)
  const ended = runtime.calls.length
  const third = await run()
  await until(() => third.agent.pods.get('default/web-node-a')?.status?.phase === 'Running', 'the third agent')
  t.equal(runtime.calls.length, ended, 'nothing is started or ended, of files or of the API')
  api.interfere(undefined)
  await until(() => isReady('api') && get('web-node-a'), 'all of them')
})

t.test('a mirror without a pod goes, and a pod of that name which is none stays', async (t) => {
  const { run, api, get, create, nodeEvents } = await start(t, { 'web.yaml': manifest('web') })
  const metadata = { name: 'old-node-a', namespace: 'default', annotations: { 'kubernetes.io/config.mirror': 'x' } }
  const spec = { nodeName: 'node-a', containers: [{ name: 'main', image: 'any' }] }
  await create({ metadata, spec })
  await create({ metadata: { name: 'web-node-a', namespace: 'default' }, spec: { ...spec, nodeName: 'node-b' } })
  await run()
  await until(() => !get('old-node-a'), 'the end of the mirror')
  await until(() => nodeEvents().length > 0, 'a word of the other pod')
  t.match(nodeEvents(), [
    /^FailedMirrorPod: the API has another pod default\/web-node-a: .* until that one is deleted$/,
  ])
  t.ok(api.peek<Pod>('pods', 'default/web-node-a'))
})
