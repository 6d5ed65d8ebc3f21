import t from 'tap'
import { allocatableOf, parseReservation } from '../../../../src/agent/node/reserved.ts'
import { parseThresholds } from '../../../../src/agent/pressure/thresholds.ts'

const thresholds = (hard: string) => parseThresholds({ hard, soft: '', softGracePeriod: '', minimumReclaim: '' })
const capacity = { cpu: '2', memory: '4Gi', 'ephemeral-storage': '10Gi', pods: '110' }

t.test('all of it is for pods where nothing is reserved', async (t) => {
  t.same(allocatableOf(capacity, [], []), capacity)
})

t.test('reserved parts and what must stay free are not', async (t) => {
  const reserved = [
    parseReservation('cpu=100m,memory=200Mi'),
    parseReservation(' cpu=0.25, memory=24Mi,ephemeral-storage=1Gi,pid=100'),
  ]
  t.same(allocatableOf(capacity, reserved, thresholds('memory.available<32Mi,nodefs.available<10%')), {
    ...{ cpu: '1650m', memory: '3840Mi', 'ephemeral-storage': '8Gi', pods: '110' },
  })
})

t.test('never less than nothing', async (t) => {
  const all = parseReservation('cpu=3,memory=5Gi')
  t.match(allocatableOf(capacity, [all], []), { cpu: '0', memory: '0' })
})

t.test('what cannot be reserved', async (t) => {
  t.same(parseReservation(''), {})
  for (const [text, message] of [
    ['gpu=1', /cannot reserve "gpu"/],
    ['constructor=1', /cannot reserve "constructor"/],
    ['cpu', /expected a quantity, not ""/],
    ['cpu=-1', /expected a quantity, not "-1"/],
    ['memory=much', /memory: expected a quantity/],
  ] as const)
    t.throws(() => parseReservation(text), { name: 'ReservationError', message })
})
