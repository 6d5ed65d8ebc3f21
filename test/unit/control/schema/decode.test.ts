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
    'Pod',
  )
  t.strictSame(value, { metadata: { name: 'p', labels: { a: 'b' } }, spec: { containers: [{ name: 'c' }] } })
  t.strictSame(unknown, ['spec.containers[0].imag', 'spec.nodName', 'extra'])
})

t.test('null is nothing, numbers as quantities become text', async (t) => {
  const { value } = decode(
    { ...pod({ resources: { limits: { cpu: 1, memory: '1Gi' } }, env: null }), metadata: { creationTimestamp: null } },
    'Pod',
    'Pod',
  )
  t.strictSame(value, { ...pod({ resources: { limits: { cpu: '1', memory: '1Gi' } } }), metadata: {} })
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
    t.throws(() => decode(body, 'Pod', 'Pod'), { code: 400, message }, String(message))
})

t.test('a port may be a number or a name', async (t) => {
  for (const targetPort of [80, 'http'])
    t.strictSame(decode({ spec: { ports: [{ port: 80, targetPort }] } }, 'Service', 'Service').value, {
      spec: { ports: [{ port: 80, targetPort }] },
    })
  t.throws(() => decode({ spec: { ports: [{ port: 80, targetPort: true }] } }, 'Service', 'Service'))
})
