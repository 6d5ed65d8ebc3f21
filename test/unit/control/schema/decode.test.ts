import t from 'tap'
import { decode } from '../../../../src/control/schema/decode.ts'

const pod = (container: object) => ({ spec: { containers: [{ name: 'c', ...container }] } })

t.test('known fields pass, unknown ones are dropped and named', async (t) => {
  const { value, unknown } = decode(
    {
      metadata: { name: 'p', labels: { a: 'b' } },
      spec: { containers: [{ name: 'c', imag: 'x' }], nodName: 'n' },
      extra: 1,
    },
    'Pod',
    'core/v1.Pod',
  )
  t.strictSame(value, {
    metadata: { name: 'p', labels: { a: 'b' } },
    spec: { containers: [{ name: 'c', resources: {} }] },
    status: {},
  })
  t.strictSame(unknown, ['spec.containers[0].imag', 'spec.nodName', 'extra'])
})

t.test('null is nothing, numbers as quantities become text', async (t) => {
  const { value } = decode(
    { ...pod({ resources: { limits: { cpu: 1, memory: '1Gi' } }, env: null }), metadata: { creationTimestamp: null } },
    'Pod',
    'core/v1.Pod',
  )
  t.strictSame(value, { ...pod({ resources: { limits: { cpu: '1', memory: '1Gi' } } }), metadata: {}, status: {} })
})

t.test('wrong types are refused with the path', async (t) => {
  const cases: [body: unknown, message: RegExp][] = [
    [pod({ image: 7 }), /cannot unmarshal number into Go struct field Pod.spec.containers\[0\].image of type string/],
    [{ spec: { containers: {} } }, /cannot unmarshal object into Go struct field Pod.spec.containers of type slice/],
    [
      { spec: { hostNetwork: 'yes' } },
      /cannot unmarshal string into Go struct field Pod.spec.hostNetwork of type bool/,
    ],
    [{ spec: { activeDeadlineSeconds: 1.5 } }, /of type int64/],
    [pod({ ports: [{ containerPort: 2 ** 31 }] }), /of type int32/],
    [
      pod({ resources: { limits: { cpu: 'lots' } } }),
      /Pod.spec.containers\[0\].resources.limits\[cpu\] of type quantity/,
    ],
    [{ metadata: { creationTimestamp: 'yesterday' } }, /of type time/],
    [{ metadata: { labels: { a: 1 } } }, /Pod.metadata.labels\[a\] of type string/],
    ['text', /cannot unmarshal string/],
  ]
  for (const [body, message] of cases)
    t.throws(() => decode(body, 'Pod', 'core/v1.Pod'), { code: 400, message }, String(message))
})

t.test('a port may be a number or a name', async (t) => {
  for (const targetPort of [80, 'http'])
    t.match(decode({ spec: { ports: [{ port: 80, targetPort }] } }, 'Service', 'core/v1.Service').value, {
      spec: { ports: [{ port: 80, targetPort }] },
    })
  t.throws(() => decode({ spec: { ports: [{ port: 80, targetPort: true }] } }, 'Service', 'core/v1.Service'))
})

const service = (spec: object) => decode({ spec }, 'Service', 'core/v1.Service').value['spec']

t.test('an object that is no pointer is there, with what is in it', async (t) => {
  const { value } = decode({}, 'Pod', 'core/v1.Pod')
  t.strictSame(value, { metadata: {}, spec: { containers: [] }, status: {} })
})

t.test('what Go cannot tell from nothing is nothing; what a pointer holds is kept', async (t) => {
  t.strictSame(service({ type: '', sessionAffinity: '', ports: [], publishNotReadyAddresses: false }), {})
  t.strictSame(service({ ports: [{ port: 80, protocol: '', targetPort: 0, nodePort: 0, name: '' }] }), {
    ports: [{ port: 80 }],
  })
  const { value } = decode({ spec: { replicas: 0, minReadySeconds: 0 } }, 'Deployment', 'apps/v1.Deployment')
  t.match(value, { spec: { replicas: 0, minReadySeconds: undefined } })
  t.match(decode(pod({ ports: [{}] }), 'Pod', 'core/v1.Pod').value, pod({ ports: [{ containerPort: 0 }] }))
})

t.test('null stands for the empty value where something has to stand', async (t) => {
  const { value } = decode(
    { spec: { podSelector: { matchLabels: { app: null } }, ingress: [null] } },
    'NetworkPolicy',
    'networking/v1.NetworkPolicy',
  )
  t.strictSame(value, { metadata: {}, spec: { podSelector: { matchLabels: { app: '' } }, ingress: [{}] } })
  t.match(decode(pod({ args: [null], command: null }), 'Pod', 'core/v1.Pod').value, pod({ args: [''] }))
})

t.test('quantities, times and bytes have one form', async (t) => {
  const cpu = (value: unknown) => pod({ resources: { limits: { cpu: value } } })
  for (const [given, wanted] of [
    ['0.5', '500m'],
    [0.5, '500m'],
    ['2048Mi', '2Gi'],
    ['1.1Ki', '1127'],
    ['0.5Ki', '512'],
    ['1000', '1k'],
    ['1e3', '1e3'],
    ['-1000m', '-1'],
    ['0Gi', '0'],
  ])
    t.match(decode(cpu(given), 'Pod', 'core/v1.Pod').value, cpu(wanted), String(given))

  const renewed = (renewTime: unknown) => ({ spec: { renewTime } })
  t.match(
    decode(renewed('2026-01-02T03:04:05.1234567+02:00'), 'Lease', 'coordination/v1.Lease').value,
    renewed('2026-01-02T01:04:05.123456Z'),
  )
  for (const time of ['2026-13-01T00:00:00Z', '2026-02-29T00:00:00Z', '2026-01-01T24:00:00Z', '2026-01-01t00:00:00z'])
    t.throws(() => decode(renewed(time), 'Lease', 'coordination/v1.Lease'), { code: 400 }, time)
  t.match(decode({ data: { a: 'YQ==\n' } }, 'Secret', 'core/v1.Secret').value, { data: { a: 'YQ==' } })
})
