import t from 'tap'
import {
  defaultHardThresholds,
  durationMs,
  hardReservation,
  isMet,
  parseThresholds,
  type ThresholdTexts,
} from '../../../../src/agent/pressure/thresholds.ts'

const none: ThresholdTexts = { hard: '', soft: '', softGracePeriod: '', minimumReclaim: '' }
const parse = (texts: Partial<ThresholdTexts>) => parseThresholds({ ...none, ...texts })

t.test("thresholds in the kubelet's syntax", async (t) => {
  t.same(parse({}), [])
  t.same(
    parse({ hard: defaultHardThresholds }).map(({ signal, value }) => [signal, value]),
    [
      ['memory.available', { amount: 100 * 2 ** 20 }],
      ['nodefs.available', { share: 0.1 }],
      ['nodefs.inodesFree', { share: 0.05 }],
      ['imagefs.available', { share: 0.15 }],
      ['imagefs.inodesFree', { share: 0.05 }],
    ],
  )
  t.same(
    parse({
      hard: 'memory.available<1Gi, pid.available<10',
      soft: 'memory.available<2Gi',
      softGracePeriod: 'memory.available=1m30s',
      minimumReclaim: 'memory.available=10%',
    }),
    [
      { signal: 'memory.available', value: { amount: 2 ** 30 }, graceMs: 0, minReclaim: { share: 0.1 } },
      { signal: 'pid.available', value: { amount: 10 }, graceMs: 0, minReclaim: undefined },
      { signal: 'memory.available', value: { amount: 2 ** 31 }, graceMs: 90_000, minReclaim: { share: 0.1 } },
    ],
  )
  t.same(parse({ hard: 'nodefs.available<0%,imagefs.available<100%' }), [], 'how they are turned off')
  t.match(parse({ hard: 'pid.available<1,pid.available<2' }), [{ value: { amount: 2 } }], 'the last counts')
})

t.test('what is no threshold', async (t) => {
  const wrong: readonly (readonly [Partial<ThresholdTexts>, RegExp])[] = [
    [{ hard: 'memory.available' }, /expected SIGNAL<VALUE/],
    [{ hard: 'memory.available<' }, /expected SIGNAL<VALUE/],
    [{ hard: 'memory.available>1Gi' }, /expected SIGNAL<VALUE/],
    [{ hard: 'memory.free<1Gi' }, /"memory.free" is no eviction signal/],
    [{ hard: 'constructor<1Gi' }, /"constructor" is no eviction signal/],
    [{ hard: 'memory.available<much' }, /expected a quantity or a percentage, not "much"/],
    [{ hard: 'memory.available<-1' }, /expected a quantity/],
    [{ hard: 'memory.available<101%' }, /expected a quantity/],
    [{ soft: 'memory.available<1Gi' }, /needs a grace period/],
    [{ soft: 'memory.available<1Gi', softGracePeriod: 'memory.available=soon' }, /is no duration/],
    [{ softGracePeriod: 'memory.available=1m' }, /no soft threshold that it is for/],
    [{ minimumReclaim: 'memory.available' }, /expected SIGNAL=VALUE/],
  ]
  for (const [texts, message] of wrong) t.throws(() => parse(texts), { name: 'ThresholdError', message })
})

t.test('durations as Go writes them', async (t) => {
  t.same(['0', '90s', '1m30s', '5m0s', '1.5h', '200ms'].map(durationMs), [0, 90_000, 90_000, 300_000, 5_400_000, 200])
  for (const text of ['', '1', 'm', '1m 30s', '-1s']) t.throws(() => durationMs(text), { name: 'ThresholdError' })
})

t.test('a threshold that was met is so until the least amount is there again', async (t) => {
  const [threshold] = parse({ hard: 'nodefs.available<10%', minimumReclaim: 'nodefs.available=5' })
  if (!threshold) throw new Error('no threshold')
  const at = (available: number) =>
    [false, true].map((isKept) => isMet(threshold, { available, capacity: 100 }, isKept))
  t.same(at(9), [true, true])
  t.same(at(10), [false, true])
  t.same(at(14), [false, true])
  t.same(at(15), [false, false])
})

t.test('what is kept free of pods is what hard thresholds want', async (t) => {
  const thresholds = parse({
    hard: 'memory.available<100,nodefs.available<10%',
    soft: 'memory.available<500',
    softGracePeriod: 'memory.available=1m',
  })
  t.equal(hardReservation(thresholds, 'memory.available', 1_000), 100)
  t.equal(hardReservation(thresholds, 'nodefs.available', 1_000), 100)
  t.equal(hardReservation(thresholds, 'pid.available', 1_000), 0)
})
