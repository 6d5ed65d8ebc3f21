/** LimitRanges complete pods, and refuse in the words of Kubernetes. */
import t from 'tap'
import { createTestApi } from '../../../support/api-server.ts'

const podsPath = '/api/v1/namespaces/default/pods'

const start = async (...ranges: readonly object[]) => {
  const api = await createTestApi()
  for (const [at, item] of ranges.entries()) {
    const body = { metadata: { name: `range-${at}` }, spec: { limits: [item] } }
    const reply = await api.request('POST', '/api/v1/namespaces/default/limitranges', { body })
    if (reply.code !== 201) throw new Error(JSON.stringify(reply.body))
    if (reply.warnings.length > 0) throw new Error(reply.warnings.join())
  }
  let count = 0
  const run = (resources: object | undefined, spec: object = {}) =>
    api.request('POST', podsPath, {
      body: {
        metadata: { name: `web-${++count}` },
        spec: { containers: [{ name: 'main', image: 'i', ...(resources ? { resources } : {}) }], ...spec },
      },
    })
  return { api, run }
}

t.test('a container that says nothing gets the defaults', async (t) => {
  const { run } = await start({
    type: 'Container',
    default: { cpu: '500m', memory: '512Mi' },
    defaultRequest: { cpu: '100m' },
  })
  const { body } = await run(undefined, { initContainers: [{ name: 'init', image: 'i' }] })
  const resources = { limits: { cpu: '500m', memory: '512Mi' }, requests: { cpu: '100m', memory: '512Mi' } }
  t.match(body, {
    metadata: {
      annotations: {
        'kubernetes.io/limit-ranger':
          'LimitRanger plugin set: cpu, memory request for container main; cpu, memory limit for container main; cpu, memory request for init container init; cpu, memory limit for init container init',
      },
    },
    spec: { containers: [{ resources }], initContainers: [{ resources }] },
    status: { qosClass: 'Burstable' },
  })
  t.match((await run({ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } })).body, {
    metadata: { annotations: undefined },
    spec: { containers: [{ resources: { limits: { cpu: '1' } } }] },
    status: { qosClass: 'Guaranteed' },
  })
})

t.test('what is outside the limits is refused', async (t) => {
  const container = { type: 'Container', min: { cpu: '100m' }, max: { cpu: '1' } }
  const ratio = { type: 'Container', maxLimitRequestRatio: { memory: '2' } }
  const ofPod = { type: 'Pod', max: { memory: '1Gi' } }
  const two = (resources: object) => ({ containers: ['a', 'b'].map((name) => ({ name, image: 'i', resources })) })
  const cases: readonly (readonly [object, object | undefined, object, string])[] = [
    [
      container,
      { requests: { cpu: '50m' }, limits: { cpu: '1' } },
      {},
      'minimum cpu usage per Container is 100m, but request is 50m',
    ],
    [container, { limits: { cpu: '2' } }, {}, 'maximum cpu usage per Container is 1, but limit is 2'],
    [ofPod, undefined, {}, 'maximum memory usage per Pod is 1Gi.  No limit is specified'],
    [
      ofPod,
      undefined,
      two({ limits: { memory: '600Mi' } }),
      'maximum memory usage per Pod is 1Gi, but limit is 1200Mi',
    ],
    [
      ratio,
      undefined,
      {},
      'memory max limit to request ratio per Container is 2, but no request is specified or request is 0',
    ],
    [
      ratio,
      { requests: { memory: '1Mi' } },
      {},
      'memory max limit to request ratio per Container is 2, but no limit is specified or limit is 0',
    ],
    [
      ratio,
      { requests: { memory: '2Mi' }, limits: { memory: '5Mi' } },
      {},
      'memory max limit to request ratio per Container is 2, but provided ratio is 2.500000',
    ],
    [
      { type: 'Container', max: { cpu: '1', memory: '1Gi' } },
      { limits: { cpu: '2', memory: '2Gi' } },
      {},
      '[maximum cpu usage per Container is 1, but limit is 2, maximum memory usage per Container is 1Gi, but limit is 2Gi]',
    ],
  ]
  for (const [item, resources, spec, message] of cases) {
    const { run } = await start(item)
    t.match(
      await run(resources, spec),
      { code: 403, body: { message: `pods "web-1" is forbidden: ${message}` } },
      message,
    )
  }
})

t.test('what is within them goes on, and so does what was there before', async (t) => {
  const { api, run } = await start({ type: 'Container', min: { cpu: '100m' }, max: { cpu: '1' } })
  t.equal((await run({ requests: { cpu: '100m' }, limits: { cpu: '1' } })).code, 201)
  const body = { metadata: { name: 'range-0' }, spec: { limits: [{ type: 'Container', max: { cpu: '10m' } }] } }
  await api.request('PUT', '/api/v1/namespaces/default/limitranges/range-0', { body })
  const labels = { body: { metadata: { labels: { a: 'b' } } }, contentType: 'application/merge-patch+json' }
  t.equal((await api.request('PATCH', `${podsPath}/web-1`, labels)).code, 200)
})

t.test('claims have a smallest and a largest size', async (t) => {
  const { api } = await start({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '5Gi' } })
  const claim = (storage: string) =>
    api.request('POST', '/api/v1/namespaces/default/persistentvolumeclaims', {
      body: {
        metadata: { name: `c-${storage.toLowerCase()}` },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
      },
    })
  t.equal((await claim('2Gi')).code, 201)
  const says = (message: string) => ({ code: 403, body: { message: new RegExp(`is forbidden: ${message}$`) } })
  t.match(await claim('512Mi'), says('minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 512Mi'))
  t.match(await claim('6Gi'), says('maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 6Gi'))
})
