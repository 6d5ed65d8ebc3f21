/** What a write costs grows with its size, not with its square: nobody waits for somebody else's large object. */
import t from 'tap'
import { createTestApi, type TestApi } from '../../../support/api-server.ts'
import { cpuMs, leastCpuMs } from '../../../support/cpu-time.ts'

const times = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at))
const map = (count: number, prefix: string) => Object.fromEntries(times(count, (at) => [`${prefix}${at}`, 'v']))
const core = (plural: string) => `/api/v1/namespaces/default/${plural}?dryRun=All`
const group = (path: string) => `/apis/${path}?dryRun=All`.replace('NS', 'namespaces/default')
const pod = (spec: object) => ({ metadata: { name: 'a' }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } })

/** For each a path and an object of about `size` fields. */
const bodies: Readonly<Record<string, readonly [path: string, make: (size: number) => object]>> = {
  'data of a ConfigMap': [core('configmaps'), (size) => ({ metadata: { name: 'a' }, data: map(size, 'k') })],
  'names that repeat': [
    core('pods'),
    (size) => pod({ containers: times(size / 2, () => ({ name: 'c', image: 'i' })) }),
  ],
  'volumes and mounts': [
    core('pods'),
    (size) => {
      const name = (at: number) => ({ name: `v${at}`, emptyDir: {} })
      const volumeMounts = times(size / 4, (at) => ({ name: `v${at}`, mountPath: `/m${at}` }))
      return pod({ volumes: times(size / 4, name), containers: [{ name: 'c', image: 'i', volumeMounts }] })
    },
  ],
  'ports of the host': [
    core('pods'),
    (size) => {
      const ports = times(size / 2, (at) => ({ containerPort: 1 + (at % 60_000), hostPort: 1 + (at % 60_000) }))
      return pod({ containers: [{ name: 'c', image: 'i', ports }] })
    },
  ],
  'labels that are none': [core('pods'), (size) => ({ ...pod({}), metadata: { name: 'a', labels: map(size, '-') } })],
  'finalizers and owners': [
    core('configmaps'),
    (size) => ({
      metadata: {
        name: 'a',
        finalizers: times(size / 2, (at) => `e.io/f${at}`),
        ownerReferences: times(size / 8, (at) => ({ apiVersion: 'v1', kind: 'Pod', name: `p${at}`, uid: `u${at}` })),
      },
    }),
  ],
  'ports of a Service': [
    core('services'),
    (size) => ({
      metadata: { name: 'a' },
      spec: { ports: times(size / 3, (at) => ({ name: `p${at}`, port: 1 + (at % 60_000), targetPort: 80 })) },
    }),
  ],
  'addresses and ports of Endpoints': [
    core('endpoints'),
    (size) => ({
      metadata: { name: 'a' },
      subsets: [
        {
          addresses: times(size / 4, (at) => ({ ip: `10.1.${(at >> 8) & 255}.${at & 255}` })),
          ports: times(size / 4, (at) => ({ name: `p${at}`, port: 80 })),
        },
      ],
    }),
  ],
  'ports of an EndpointSlice': [
    group('discovery.k8s.io/v1/NS/endpointslices'),
    (size) => ({
      metadata: { name: 'a' },
      addressType: 'IPv4',
      endpoints: times(size / 4, () => ({ addresses: ['10.1.0.2'] })),
      ports: times(size / 4, (at) => ({ name: `p${at}`, port: 80 })),
    }),
  ],
  'listeners of a Gateway': [
    group('gateway.networking.k8s.io/v1/NS/gateways'),
    (size) => ({
      metadata: { name: 'a' },
      spec: {
        gatewayClassName: 'c',
        listeners: times(size / 4, (at) => ({ name: `l${at}`, port: 80, protocol: 'HTTP' })),
      },
    }),
  ],
  'rules of an HTTPRoute': [
    group('gateway.networking.k8s.io/v1/NS/httproutes'),
    (size) => ({
      metadata: { name: 'a' },
      spec: {
        parentRefs: times(size / 4, () => ({ name: 'g' })),
        rules: times(size / 6, (at) => ({ name: `r${at}`, filters: [{ type: 'CORS', cors: {} }] })),
      },
    }),
  ],
  'rules of a NetworkPolicy': [
    group('networking.k8s.io/v1/NS/networkpolicies'),
    (size) => ({
      metadata: { name: 'a' },
      spec: {
        podSelector: {},
        ingress: [{ from: times(size / 8, () => ({ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } })) }],
      },
    }),
  ],
}

const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'

const post = async (api: TestApi, path: string, body: object): Promise<void> => {
  const { code } = await api.request('POST', path, { body, accept })
  if (![201, 422].includes(code)) throw new Error(`${path}: ${code}`)
}

t.test('ten times as much takes not much more than ten times as long', async (t) => {
  const api = await createTestApi({ bundled: true })
  for (const [name, [path, make]] of Object.entries(bodies)) {
    const [little, much] = [make(2_000), make(20_000)]
    await post(api, path, make(300))
    const small = Math.max(5, await leastCpuMs(() => post(api, path, little)))
    const large = await leastCpuMs(() => post(api, path, much))
    t.ok(large < 40 * small, `${name}: ${Math.round(small)} ms, ten times as much: ${Math.round(large)} ms`)
  }
})

t.test('so does a change of a large object', async (t) => {
  const api = await createTestApi()
  const path = '/api/v1/namespaces/default/pods'
  const change = async (size: number): Promise<number> => {
    const name = `p${size}`
    const tolerations = times(size, (at) => ({ key: `k${at}`, operator: 'Exists' }))
    await api.request('POST', path, { body: { ...pod({ tolerations }), metadata: { name } } })
    const body = { spec: { tolerations: [...tolerations].reverse() } }
    return cpuMs(async () => {
      const patched = await api.request('PATCH', `${path}/${name}`, {
        body,
        contentType: 'application/merge-patch+json',
      })
      t.ok([200, 422].includes(patched.code))
    })
  }
  await change(100)
  const small = Math.max(5, await change(700))
  const large = await change(7_000)
  t.ok(large < 40 * small, `tolerations: ${Math.round(small)} ms, ten times as much: ${Math.round(large)} ms`)
})

t.test('an answer tells the first of many faults, and the beginning of a long value', async (t) => {
  const api = await createTestApi()
  const labels = { ...map(20_000, '-'), long: 'a'.repeat(1024 * 1024) }
  const { code, body } = await api.request('POST', core('pods'), {
    body: { ...pod({}), metadata: { name: 'a', labels } },
  })
  t.equal(code, 422)
  t.ok(JSON.stringify(body).length < 200_000, `${JSON.stringify(body).length} bytes`)
  t.match(body['message'], /and \d+ more/)
})
