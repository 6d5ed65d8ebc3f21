/** What a node keeps for itself and when it makes room, by the kubelet's options. */
import type { Command } from 'commander'
import type { EvictionSettings } from '../agent/eviction/manager.ts'
import { parseReservation, type Reservation, ReservationError } from '../agent/node/reserved.ts'
import { defaultHardThresholds, durationMs, parseThresholds, ThresholdError } from '../agent/pressure/thresholds.ts'
import type { CollectionPolicy } from '../images/collect/candidates.ts'
import { countOption, durationOption } from './options.ts'
import { UsageError } from './usage-error.ts'

export interface NodeResourceOptions {
  readonly evictionHard: string
  readonly evictionSoft: string
  readonly evictionSoftGracePeriod: string
  readonly evictionMaxPodGracePeriod: number
  readonly evictionMinimumReclaim: string
  readonly evictionPressureTransitionPeriod: string
  readonly systemReserved: string
  readonly kubeReserved: string
  readonly imageGcHighThreshold: number
  readonly imageGcLowThreshold: number
  readonly minimumImageTtlDuration: number
  readonly imageMaximumGcAge: number
}

const percentOption = countOption('a percentage', 0, 100)

export const nodeResourceOptions = (command: Command): Command =>
  command
    .option(
      '--eviction-hard <signal<amount,…>>',
      "below these pods are evicted at once: memory.available, nodefs.available, nodefs.inodesFree, imagefs.available, imagefs.inodesFree, pid.available; '' for never",
      defaultHardThresholds,
    )
    .option('--eviction-soft <signal<amount,…>>', 'below these they are evicted after a grace period', '')
    .option('--eviction-soft-grace-period <signal=time,…>', 'how long: memory.available=1m30s', '')
    .option(
      '--eviction-max-pod-grace-period <s>',
      'the most that a pod may take to end then',
      countOption('seconds', 0, 86_400),
      0,
    )
    .option('--eviction-minimum-reclaim <signal=amount,…>', 'how much more has to be free afterwards', '')
    .option(
      '--eviction-pressure-transition-period <time>',
      'for so long the node stays under pressure after that',
      '5m',
    )
    .option('--system-reserved <resource=amount,…>', 'kept from pods for the machine: cpu=100m,memory=200Mi', '')
    .option('--kube-reserved <resource=amount,…>', 'the same for its daemons', '')
    .option(
      '--image-gc-high-threshold <percent>',
      'of the disk: from here on unused images are removed; 100: never',
      percentOption,
      85,
    )
    .option('--image-gc-low-threshold <percent>', 'until no more than this is used', percentOption, 80)
    .option('--minimum-image-ttl-duration <time>', 'younger ones stay', durationOption, 120)
    .option(
      '--image-maximum-gc-age <time>',
      'unused for so long they go, however much room there is; 0: they stay',
      durationOption,
      0,
    )

/** What is wrong with an option is wrong use. */
const option = <T>(name: string, parse: () => T): T => {
  try {
    return parse()
  } catch (error) {
    if (error instanceof ThresholdError || error instanceof ReservationError)
      throw new UsageError(`${name}: ${error.message}`)
    throw error
  }
}

const evictionSettings = (options: NodeResourceOptions): EvictionSettings => ({
  thresholds: option('--eviction-*', () =>
    parseThresholds({
      hard: options.evictionHard,
      soft: options.evictionSoft,
      softGracePeriod: options.evictionSoftGracePeriod,
      minimumReclaim: options.evictionMinimumReclaim,
    }),
  ),
  maxPodGraceMs: options.evictionMaxPodGracePeriod * 1000,
  pressureTransitionMs: option('--eviction-pressure-transition-period', () =>
    durationMs(options.evictionPressureTransitionPeriod),
  ),
})

const collectionPolicy = (options: NodeResourceOptions): CollectionPolicy => {
  const { imageGcHighThreshold: high, imageGcLowThreshold: low } = options
  if (low > high)
    throw new UsageError(`--image-gc-low-threshold ${low}: expected no more than --image-gc-high-threshold, ${high}`)
  return {
    highThresholdPercent: high,
    lowThresholdPercent: low,
    minimumAgeMs: options.minimumImageTtlDuration * 1000,
    maximumAgeMs: options.imageMaximumGcAge * 1000,
  }
}

const reservations = (options: NodeResourceOptions): readonly Reservation[] => [
  option('--system-reserved', () => parseReservation(options.systemReserved)),
  option('--kube-reserved', () => parseReservation(options.kubeReserved)),
]

export const nodeResourceSettings = (options: NodeResourceOptions) => ({
  eviction: evictionSettings(options),
  reserved: reservations(options),
  imageCollection: collectionPolicy(options),
})
