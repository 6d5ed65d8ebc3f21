import t, { type Test } from 'tap'
import { runNodeAnnotations } from '../../../../src/agent/parts/node-annotations.ts'
import { createClient } from '../../../../src/api/client.ts'
import { forbidden } from '../../../../src/api/errors.ts'
import { createInformer } from '../../../../src/api/informer.ts'
import { nodes as nodeResource } from '../../../../src/api/resources.ts'
import type { ApiRequest } from '../../../../src/api/transport.ts'
import { openClusterApi } from '../../../support/cluster-api.ts'
import { recordingLog } from '../../../support/recording-log.ts'
import { until } from '../../../support/until.ts'

const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'a', annotations: { other: 'kept' } } }
const annotations = { told: 'here' }

const keeping = async (t: Test, mayPatch: (path: string) => boolean) => {
  const api = await openClusterApi()
  let may = mayPatch
  api.interfere(({ method, path }: ApiRequest) => {
    if (method === 'PATCH' && !may(path)) throw forbidden({ group: '', plural: 'nodes' }, 'a', `no ${path}`)
  })
  api.put('nodes', node)
  const client = createClient(api)
  const nodes = createInformer(client, nodeResource)
  const { log, messages } = recordingLog()
  const stop = new AbortController()
  const running = Promise.all([
    nodes.run(stop.signal),
    runNodeAnnotations({ client, nodes, nodeName: 'a', annotations, log }, stop.signal),
  ])
  t.teardown(async () => {
    stop.abort()
    await running
  })
  const written = () => until(() => api.peek('nodes', 'a')?.metadata.annotations?.['told'], 'the annotation')
  const allow = (now: (path: string) => boolean): void => {
    may = now
  }
  return { api, messages, written, allow }
}

const isStatus = (path: string): boolean => path.endsWith('/status')

t.test('they are set beside others, and again in a Node that is made anew', async (t) => {
  const { api, written } = await keeping(t, () => true)
  await written()
  t.same(api.peek('nodes', 'a')?.metadata.annotations, { other: 'kept', told: 'here' })
  api.drop('nodes', 'a')
  api.put('nodes', node)
  await written()
  t.same(
    api.calls.filter((call) => call.startsWith('PATCH')),
    Array(2).fill('PATCH /api/v1/nodes/a'),
  )
})

t.test('with the status where nodes may not be patched', async (t) => {
  const { api, written, messages } = await keeping(t, isStatus)
  await written()
  t.ok(api.calls.includes('PATCH /api/v1/nodes/a/status'))
  t.same(messages, [])
})

t.test('refused both ways: told once, and tried until it is allowed', async (t) => {
  const { api, written, messages, allow } = await keeping(t, () => false)
  await until(() => messages.length > 0, 'a word')
  t.match(messages[0], /cannot annotate Node a: forbidden: .*grant "patch" on nodes or nodes\/status/)
  allow(isStatus)
  await written()
  t.equal(messages.length, 1)
  t.ok(api.peek('nodes', 'a'))
})
