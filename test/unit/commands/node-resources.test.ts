import { Command } from 'commander'
import t from 'tap'
import {
  type NodeResourceOptions,
  nodeResourceOptions,
  nodeResourceSettings,
} from '../../../src/commands/node-resources.ts'

const settings = (...args: readonly string[]) => {
  const command = nodeResourceOptions(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
  return nodeResourceSettings(command.parse(args, { from: 'user' }).opts<NodeResourceOptions>())
}

t.test("what nobody says is the kubelet's", async (t) => {
  const { eviction, reserved, imageCollection } = settings()
  t.same(
    eviction.thresholds.map(({ signal }) => signal),
    ['memory.available', 'nodefs.available', 'nodefs.inodesFree', 'imagefs.available', 'imagefs.inodesFree'],
  )
  t.match(eviction, { maxPodGraceMs: 0, pressureTransitionMs: 300_000 })
  t.same(reserved, [{}, {}])
  t.same(imageCollection, {
    ...{ highThresholdPercent: 85, lowThresholdPercent: 80, minimumAgeMs: 120_000, maximumAgeMs: 0 },
  })
})

t.test('what is said', async (t) => {
  const { eviction, reserved, imageCollection } = settings(
    ...['--eviction-hard', '', '--eviction-soft', 'pid.available<10%', '--eviction-soft-grace-period'],
    ...['pid.available=1m30s', '--eviction-max-pod-grace-period', '60', '--eviction-pressure-transition-period', '30s'],
    ...['--system-reserved', 'cpu=100m', '--kube-reserved', 'memory=1Gi', '--image-gc-high-threshold', '70'],
    ...['--image-gc-low-threshold', '60', '--minimum-image-ttl-duration', '1h', '--image-maximum-gc-age', '7d'],
  )
  t.match(eviction, { maxPodGraceMs: 60_000, pressureTransitionMs: 30_000 })
  t.match(eviction.thresholds, [{ signal: 'pid.available', graceMs: 90_000 }])
  t.same(reserved, [{ cpu: '100m' }, { memory: '1Gi' }])
  t.match(imageCollection, { highThresholdPercent: 70, lowThresholdPercent: 60, minimumAgeMs: 3_600_000 })
})

t.test('wrong use names the option', async (t) => {
  for (const [args, message] of [
    [['--eviction-hard', 'memory<1'], /--eviction-\*: "memory" is no eviction signal/],
    [['--eviction-pressure-transition-period', 'soon'], /--eviction-pressure-transition-period: "soon" is no duration/],
    [['--system-reserved', 'gpu=1'], /--system-reserved: cannot reserve "gpu"/],
    [['--kube-reserved', 'cpu=x'], /--kube-reserved: cpu: expected a quantity/],
    [['--image-gc-low-threshold', '90'], /--image-gc-low-threshold 90: expected no more than/],
  ] as const)
    t.throws(() => settings(...args), { name: 'UsageError', message })
  t.throws(() => settings('--image-gc-high-threshold', '101'), { code: 'commander.invalidArgument' })
})
