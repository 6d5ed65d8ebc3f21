/** Pods and claims get what their class says, or the default one. */
import t from 'tap'
import { createTestApi } from '../../../support/api-server.ts'

const start = async () => {
  const api = await createTestApi()
  const post = (path: string, body: object) => api.request('POST', path, { body })
  const priority = (name: string, value: number, more: object = {}) =>
    post('/apis/scheduling.k8s.io/v1/priorityclasses', { metadata: { name }, value, ...more })
  let count = 0
  const run = (spec: object = {}) =>
    post('/api/v1/namespaces/default/pods', {
      metadata: { name: `web-${++count}` },
      spec: { containers: [{ name: 'main', image: 'i' }], ...spec },
    })
  return { api, post, priority, run }
}

t.test('a pod has the priority of its class', async (t) => {
  const { api, priority, run } = await start()
  t.match((await run()).body['spec'], { priority: 0, preemptionPolicy: 'PreemptLowerPriority' })
  await priority('high', 1000, { preemptionPolicy: 'Never' })
  t.match((await run({ priorityClassName: 'high' })).body['spec'], { priority: 1000, preemptionPolicy: 'Never' })
  await priority('usual', 10, { globalDefault: true })
  const { body } = await run()
  t.match(body['spec'], { priorityClassName: 'usual', priority: 10, preemptionPolicy: 'PreemptLowerPriority' })
  const { priority: _, preemptionPolicy: __, ...spec } = body['spec'] as unknown as Record<string, unknown>
  const put = await api.request('PUT', `/api/v1/namespaces/default/pods/web-3`, {
    body: { metadata: { name: 'web-3', labels: { a: 'b' } }, spec },
  })
  t.match(put, { code: 200, body: { spec: { priority: 10 } } }, 'who writes the whole pod need not repeat it')
})

t.test('what a pod cannot ask for', async (t) => {
  const { priority, run } = await start()
  await priority('high', 1000)
  for (const [spec, why] of [
    [{ priorityClassName: 'none' }, 'no PriorityClass with name none was found'],
    [
      { priority: 5 },
      'the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name',
    ],
    [
      { priorityClassName: 'high', preemptionPolicy: 'Never' },
      'the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller computed PreemptLowerPriority from the given PriorityClass name',
    ],
  ] as const) {
    const { code, body } = await run(spec)
    t.equal(code, 403)
    t.equal(String(body['message']).replace(/^.* is forbidden: /, ''), why)
  }
  t.equal((await run({ priorityClassName: 'high', priority: 1000 })).code, 201)
})

t.test('a claim without a class gets the default one, the newest of several', async (t) => {
  const { api, post } = await start()
  const isDefault = { 'storageclass.kubernetes.io/is-default-class': 'true' }
  const make = (name: string, annotations = {}) =>
    post('/apis/storage.k8s.io/v1/storageclasses', { metadata: { name, annotations }, provisioner: 'example.com/x' })
  let count = 0
  const claim = async (spec: object = {}, annotations = {}) =>
    (
      await post('/api/v1/namespaces/default/persistentvolumeclaims', {
        metadata: { name: `c-${++count}`, annotations },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
      })
    ).body['spec']?.['storageClassName']
  await make('plain')
  t.equal(await claim(), undefined)
  await make('slow', isDefault)
  t.equal(await claim(), 'slow')
  api.clock.advance(5_000)
  await make('fast', isDefault)
  await make('fat', isDefault)
  t.equal(await claim(), 'fast', 'of two of one second, by name')
  t.equal(await claim({ storageClassName: 'plain' }), 'plain')
  t.equal(await claim({ storageClassName: '' }), '', 'none is asked for')
  t.equal(await claim({}, { 'volume.beta.kubernetes.io/storage-class': 'plain' }), undefined)
})
