/** From when on a node counts as short of something: thresholds in the kubelet's syntax. Pure. */
import { parseQuantity, quantityValue } from '../../api/quantity.ts'
import { isSignal, type Observation, type Signal } from './signals.ts'

/** So much, or such a share (0 to 1) of all there is. */
export type ThresholdValue = { readonly amount: number } | { readonly share: number }

export interface Threshold {
  readonly signal: Signal
  readonly value: ThresholdValue
  /** For so long less must be available; 0: pods are evicted at once, without a grace of their own. */
  readonly graceMs: number
  /** So much more than the threshold must be available before it counts as left behind. */
  readonly minReclaim: ThresholdValue | undefined
}

/** The kubelet's, as `--eviction-hard` takes them. */
export const defaultHardThresholds =
  'memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%,imagefs.available<15%,imagefs.inodesFree<5%'

export class ThresholdError extends Error {
  override readonly name = 'ThresholdError'
}

const listOf = (text: string): readonly string[] =>
  text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')

/** `NAME<sep>VALUE,…`; the last of several of one name counts. */
const pairsOf = (text: string, separator: '<' | '='): ReadonlyMap<Signal, string> => {
  const found = new Map<Signal, string>()
  for (const each of listOf(text)) {
    const at = each.indexOf(separator)
    const [signal, value] = [each.slice(0, at).trim(), each.slice(at + 1).trim()]
    if (at < 0 || value === '')
      throw new ThresholdError(
        `${JSON.stringify(each)}: expected SIGNAL${separator}VALUE, such as memory.available${separator}${separator === '<' ? '100Mi' : '1m30s'}`,
      )
    if (!isSignal(signal)) throw new ThresholdError(`${JSON.stringify(signal)} is no eviction signal`)
    found.set(signal, value)
  }
  return found
}

const toValue = (signal: Signal, text: string): ThresholdValue => {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1]
  if (percent !== undefined && Number(percent) <= 100) return { share: Number(percent) / 100 }
  const parsed = percent === undefined ? parseQuantity(text) : undefined
  if (parsed === undefined || parsed < 0n)
    throw new ThresholdError(`${signal}: expected a quantity or a percentage, not ${JSON.stringify(text)}`)
  return { amount: quantityValue(text) }
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** `1m30s`, as Go writes durations. */
export const durationMs = (text: string): number => {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  if (text !== '0' && (parts.length === 0 || parts.map(([part]) => part).join('') !== text))
    throw new ThresholdError(`${JSON.stringify(text)} is no duration such as 90s or 1m30s`)
  return parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (unitMs[unit] ?? 0), 0)
}

/** 0 % and 100 % are how a threshold is turned off. */
const isOff = (value: ThresholdValue): boolean => 'share' in value && (value.share === 0 || value.share === 1)

export interface ThresholdTexts {
  readonly hard: string
  readonly soft: string
  readonly softGracePeriod: string
  readonly minimumReclaim: string
}

/** Throws `ThresholdError`, whose message says what is wrong. */
export const parseThresholds = (texts: ThresholdTexts): readonly Threshold[] => {
  const graces = pairsOf(texts.softGracePeriod, '=')
  const reclaims = new Map(
    [...pairsOf(texts.minimumReclaim, '=')].map(([signal, text]) => [signal, toValue(signal, text)]),
  )
  const made = (text: string, graceOf: (signal: Signal) => number): readonly Threshold[] =>
    [...pairsOf(text, '<')]
      .map(([signal, value]) => ({
        ...{ signal, value: toValue(signal, value), graceMs: graceOf(signal) },
        minReclaim: reclaims.get(signal),
      }))
      .filter(({ value }) => !isOff(value))
  const softGrace = (signal: Signal): number => {
    const grace = graces.get(signal)
    if (grace === undefined) throw new ThresholdError(`${signal}: a soft threshold needs a grace period`)
    return durationMs(grace)
  }
  const all = [...made(texts.hard, () => 0), ...made(texts.soft, softGrace)]
  for (const signal of graces.keys())
    if (!all.some((each) => each.signal === signal && each.graceMs > 0))
      throw new ThresholdError(`${signal}: a grace period, and no soft threshold that it is for`)
  return all
}

/** In the units of the signal. */
export const thresholdAmount = (value: ThresholdValue, capacity: number): number =>
  'amount' in value ? value.amount : Math.floor(value.share * capacity)

/** `isKept`: it has been met before, and is so until the least amount has been reclaimed. */
export const isMet = (
  { value, minReclaim }: Threshold,
  { available, capacity }: Observation,
  isKept: boolean,
): boolean =>
  available < thresholdAmount(value, capacity) + (isKept && minReclaim ? thresholdAmount(minReclaim, capacity) : 0)

/** What pods must leave free of something for the node not to run short of it at once. */
export const hardReservation = (thresholds: readonly Threshold[], signal: Signal, capacity: number): number =>
  Math.max(
    0,
    ...thresholds
      .filter((each) => each.signal === signal && each.graceMs === 0)
      .map(({ value }) => thresholdAmount(value, capacity)),
  )
