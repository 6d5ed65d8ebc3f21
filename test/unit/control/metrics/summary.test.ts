/** What an agent says is somebody else's word until it is read. */
import t from 'tap'
import { readSummary } from '../../../../src/control/metrics/summary.ts'
import { createSeededRandom } from '../../../support/seeded-random.ts'

const time = '2026-01-01T00:00:00Z'
const good = {
  node: { cpu: { time, usageNanoCores: 7 }, memory: { workingSetBytes: 8 } },
  pods: [
    {
      podRef: { name: 'web', namespace: 'default' },
      containers: [
        { name: 'main', cpu: { time, usageNanoCores: 1, windowSeconds: 15 }, memory: { workingSetBytes: 2 } },
      ],
    },
  ],
}

t.test('of a kubelet, which says nothing of windows, and of an agent', async (t) => {
  const { node, pods } = readSummary(good)
  const at = Date.parse(time)
  t.strictSame(node, { nanoCores: 7, workingSetBytes: 8, at, windowSeconds: 10 })
  t.strictSame(
    [...(pods.get('default/web') ?? [])],
    [['main', { nanoCores: 1, workingSetBytes: 2, at, windowSeconds: 15 }]],
  )
})

t.test('numbers that are none make no usage', async (t) => {
  for (const usageNanoCores of [-1, 1e300, Number.NaN, '5', null, undefined, [1], {}]) {
    const { node } = readSummary({ node: { ...good.node, cpu: { time, usageNanoCores } } })
    t.equal(node, undefined, JSON.stringify(usageNanoCores))
  }
  for (const said of ['', 'yesterday', 5, null])
    t.equal(readSummary({ node: { ...good.node, cpu: { time: said, usageNanoCores: 1 } } }).node, undefined)
})

const anything: readonly [unknown, ...unknown[]] = [
  null,
  0,
  -1,
  1e308,
  '',
  'x',
  true,
  [],
  {},
  [null],
  { name: null },
  [[]],
  '__proto__',
]

t.test('whatever stands in any place, it is read', async (t) => {
  const random = createSeededRandom(20)
  const disturbed = (value: unknown): unknown => {
    if (random.below(8) === 0) return random.pick(anything)
    if (Array.isArray(value)) return value.map(disturbed)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, disturbed(each)]))
  }
  for (let n = 0; n < 5_000; n++) {
    const { node, pods } = readSummary(disturbed(good))
    for (const usage of [node, ...[...pods.values()].flatMap((containers) => [...containers.values()])])
      if (usage) for (const each of Object.values(usage)) if (!Number.isFinite(each)) t.fail(String(each))
  }
  t.pass('no matter what')
})
