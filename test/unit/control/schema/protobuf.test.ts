import t from 'tap'
import { message } from '../../../../src/control/openapi/protobuf.ts'
import { decode } from '../../../../src/control/schema/decode.ts'
import { readProtobuf } from '../../../../src/control/schema/protobuf.ts'
import { rounds, seedOr } from '../../../support/rounds.ts'
import { createSeededRandom } from '../../../support/seeded-random.ts'

/** A number field, by hand. */
const number = (field: number, value: number): Uint8Array => {
  const bytes = [field << 3]
  let rest = value
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128)
  return Uint8Array.from([...bytes, rest])
}

const join = (...parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts)

const envelope = (apiVersion: string, kind: string, content: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from('k8s\0'), message([1, message([1, apiVersion], [2, kind])], [2, content])])

/** Go writes fields that are no pointers even when they are empty. */
const emptyText = (field: number): Uint8Array => Uint8Array.from([(field << 3) | 2, 0])

t.test('a Deployment as kubectl sends it', async (t) => {
  const probe = join(
    message([1, message([2, message([1, '/'], [2, join(number(1, 0), number(2, 8080))])])]),
    number(4, 0),
  )
  const container = join(
    message([1, 'main'], [2, 'podway/echo'], [10, new Uint8Array(probe)]),
    message([8, message([2, message([1, 'cpu'], [2, message([1, '100m'])])])]),
    emptyText(5),
  )
  const template = message([1, message([11, message([1, 'app'], [2, 'web'])])], [2, message([2, container])])
  const strategy = message(
    [1, 'RollingUpdate'],
    [2, message([1, join(number(1, 0), number(2, 0))], [2, join(number(1, 1), message([3, '25%']))])],
  )
  const spec = join(
    number(1, 0),
    message([2, message([1, message([1, 'app'], [2, 'web'])])], [3, template], [4, strategy]),
    number(5, 0),
  )
  const metadata = join(message([1, 'web'], [3, 'default']), emptyText(2), emptyText(8))
  const read = readProtobuf(envelope('apps/v1', 'Deployment', message([1, metadata], [2, spec])))
  t.same(decode(read, 'Deployment', 'apps/v1.Deployment').value, {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment' },
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          containers: [
            {
              ...{ name: 'main', image: 'podway/echo' },
              resources: { requests: { cpu: '100m' } },
              livenessProbe: { httpGet: { path: '/', port: 8080 } },
            },
          ],
        },
      },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: '25%' } },
    },
    status: {},
  })
})

t.test('bytes, times, negative numbers', async (t) => {
  const secret = message([1, message([1, 's'])], [2, message([1, 'a'], [2, 'bc'])], [3, 'Opaque'])
  t.match(readProtobuf(envelope('v1', 'Secret', secret)), { data: { a: 'YmM=' }, type: 'Opaque' })
  const lease = message(
    [1, message([1, 'l'])],
    [2, message([1, 'me'], [4, join(number(1, 1_700_000_000), number(2, 5_000))])],
  )
  t.match(readProtobuf(envelope('coordination.k8s.io/v1', 'Lease', lease)), {
    spec: { renewTime: '2023-11-14T22:13:20.000005Z' },
  })
  const minusOne = Uint8Array.from([1 << 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1])
  t.match(readProtobuf(envelope('v1', 'DeleteOptions', minusOne)), { gracePeriodSeconds: -1 })
})

/** One field of every wire type, of a number that no message has. */
const unknownFields: Readonly<Record<string, Uint8Array>> = {
  varint: Uint8Array.of(0xf8, 0x7f, 0x96, 0x01),
  fixed64: Uint8Array.of(0xf9, 0x7f, 1, 2, 3, 4, 5, 6, 7, 8),
  bytes: Uint8Array.of(0xfa, 0x7f, 2, 0xff, 0xff),
  group: Uint8Array.of(0xfb, 0x7f, 0x0b, 0x0a, 1, 0x61, 0x0c, 0xfc, 0x7f),
  fixed32: Uint8Array.of(0xfd, 0x7f, 1, 2, 3, 4),
}

t.test('a field that we do not know is skipped, wherever it stands', async (t) => {
  const pod = (extra: Uint8Array): Buffer => {
    const probe = join(message([1, join(message([2, message([1, '/'])]), extra)]), extra)
    const label = join(message([1, 'app'], [2, 'web']), extra)
    const container = join(message([1, 'main'], [10, new Uint8Array(probe)]), extra)
    const metadata = join(message([1, 'web'], [11, label], [8, join(number(1, 9), extra)]), extra)
    const status = join(message([1, 'Running']), extra)
    return Buffer.concat([
      Buffer.from('k8s\0'),
      join(
        message([1, join(message([1, 'v1'], [2, 'Pod']), extra)]),
        message([2, join(message([1, metadata], [2, join(message([2, container]), extra)], [3, status]), extra)]),
        extra,
      ),
    ])
  }
  const plain = readProtobuf(pod(new Uint8Array()))
  t.match(plain, { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main' }] } })
  for (const [name, extra] of Object.entries(unknownFields)) t.same(readProtobuf(pod(extra)), plain, name)
})

t.test('what real clients send beside it', async (t) => {
  const metadata = join(message([1, 'debugged'], [15, 'a cluster name, before 1.24']), number(7, 1))
  t.match(readProtobuf(envelope('v1', 'Pod', message([1, metadata], [3, Uint8Array.of(0x88, 0x01, 4)]))), {
    metadata: { name: 'debugged', generation: 1 },
    status: { observedGeneration: 4 },
  })
})

t.test('bytes that are no message are refused', async (t) => {
  const refused = (bytes: readonly number[], why: RegExp): void =>
    void t.throws(() => readProtobuf(envelope('v1', 'Secret', Uint8Array.from(bytes))), why)
  refused([0xfb, 0x7f, 0x0b], /a group is cut off/)
  refused([0x0c], /group 1 ends without a beginning/)
  refused([0x0b, 0x14], /group 2 ends without a beginning/)
  refused([0x0e], /unknown wire type 6/)
  refused([0x0f, 0], /unknown wire type 7/)
  refused([0x00, 0], /number 0/)
  refused([0x09, 1, 2], /cut off/)
})

t.test('what cannot be read is refused, not lost', async (t) => {
  const refused = (body: Buffer, why: RegExp): void => void t.throws(() => readProtobuf(body), why)
  refused(Buffer.from('{}'), /does not begin with "k8s/)
  refused(envelope('v1', 'Nonsense', message([1, 'x'])), /Nonsense/)
  refused(envelope('v1', 'Secret', Uint8Array.of(10, 200)), /cut off/)
  refused(envelope('v1', '', new Uint8Array()), /kind/)
})

t.test('5,000 broken bodies end in an answer', async (t) => {
  const random = createSeededRandom(seedOr(3))
  const good = envelope(
    'v1',
    'ConfigMap',
    message([1, message([1, 'c'], [3, 'default'])], [2, message([1, 'a'], [2, 'b'])]),
  )
  const [tries, ends] = [rounds(5_000, 200_000), { read: 0, refused: 0 }]
  for (let n = 0; n < tries; n++) {
    const body = Buffer.from(good)
    for (let change = random.below(4); change >= 0; change--) body[random.below(body.length)] = random.below(256)
    try {
      readProtobuf(random.below(3) === 0 ? body.subarray(0, random.below(body.length)) : body)
      ends.read++
    } catch (error) {
      ends.refused++
      if (!/protobuf|types\.json/.test(String(error))) t.fail(`${body.toString('hex')}: ${error}`)
    }
  }
  t.ok(ends.read > tries / 20 && ends.refused > tries / 20, JSON.stringify(ends))
})
