/** Resource quantities (`500m`, `1Gi`, `2e3`), exactly, in BigInt billionths: apimachinery's resource.Quantity. */

const binary: Readonly<Record<string, bigint>> = {
  Ki: 1n << 10n,
  Mi: 1n << 20n,
  Gi: 1n << 30n,
  Ti: 1n << 40n,
  Pi: 1n << 50n,
  Ei: 1n << 60n,
}
const decimal: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const nano = 1_000_000_000n

const pattern = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d{1,2})?$/

const divideUp = (value: bigint, by: bigint): bigint => (value + by - 1n) / by

/** Billionths of a unit, rounded up to the next one, or undefined when the text is no quantity. */
export const parseQuantity = (text: string | number): bigint | undefined => {
  const found = pattern.exec(String(text))
  if (!found) return undefined
  const [, sign, number = '', suffix = ''] = found
  const [whole = '', fraction = ''] = number.split('.')
  const digits = BigInt(`${whole}${fraction}` || '0')
  const scale = 10n ** BigInt(fraction.length)
  const magnitude = (() => {
    const factor = binary[suffix]
    if (factor !== undefined) return divideUp(digits * factor * nano, scale)
    const exponent = decimal[suffix] ?? Number(suffix.slice(1))
    return exponent >= 0
      ? divideUp(digits * 10n ** BigInt(exponent) * nano, scale)
      : divideUp(digits * nano, scale * 10n ** BigInt(-exponent))
  })()
  return sign === '-' ? -magnitude : magnitude
}

/** As a plain number of whole units (bytes, pods, …), rounded up. Zero when missing or unreadable. */
export const quantityValue = (text: string | number | undefined): number =>
  text === undefined ? 0 : Number(divideUp(parseQuantity(text) ?? 0n, nano))

/** In thousandths (CPU), rounded up. Zero when missing or unreadable. */
export const quantityMilli = (text: string | number | undefined): number =>
  text === undefined ? 0 : Number(divideUp(parseQuantity(text) ?? 0n, 1_000_000n))

const mostNanos = (2n ** 63n - 1n) * nano
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'] as const
const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'] as const

/** How often `by` divides a value other than zero, at most `most` times. */
const timesDivisible = (value: bigint, by: bigint, most: number): number => {
  let times = 0
  for (let rest = value; times < most && rest % by === 0n; rest /= by) times++
  return times
}

type Form = 'binary' | 'decimal' | 'exponent'

/** The suffixes that a text is in. */
const formOf = (text: string): Form => {
  if (/i$/.test(text)) return 'binary'
  return /[eE][+-]?\d+$/.test(text) ? 'exponent' : 'decimal'
}

/** Billionths of a unit as text: the shortest number without a fraction. */
const render = (parsed: bigint, form: Form): string => {
  if (parsed === 0n) return '0'
  const [sign, wanted] = parsed < 0n ? ['-', -parsed] : ['', parsed]
  const nanos = wanted > mostNanos ? mostNanos : wanted
  // Less than one of the next suffix is written with decimal ones, so that nothing is rounded.
  if (form === 'binary' && nanos >= 1024n * nano) {
    const whole = divideUp(nanos, nano)
    const times = timesDivisible(whole, 1024n, binarySuffixes.length - 1)
    return `${sign}${whole / 1024n ** BigInt(times)}${binarySuffixes[times]}`
  }
  const times = timesDivisible(nanos, 1000n, decimalSuffixes.length - 1)
  const digits = nanos / 1000n ** BigInt(times)
  if (form !== 'exponent') return `${sign}${digits}${decimalSuffixes[times]}`
  const exponent = times * 3 - 9
  return `${sign}${digits}${exponent === 0 ? '' : `e${exponent}`}`
}

/**
 * A quantity as Kubernetes writes it: the shortest number without a fraction, in the suffixes that the text is in (`0.5` is
 * `500m`, `2048Mi` is `2Gi`, `1000` is `1k`). Text that is no quantity stays as it is.
 */
export const formatQuantity = (text: string): string => {
  const parsed = parseQuantity(text)
  return parsed === undefined ? text : render(parsed, formOf(text))
}

/** Quantities put together, in the suffixes of the first that is more than nothing. */
export interface Amount {
  /** Billionths of a unit. */
  readonly nanos: bigint
  readonly form: Form
}

export const noAmount: Amount = { nanos: 0n, form: 'decimal' }

/** Nothing for text that is no quantity. */
export const amountOf = (text: string | number | undefined): Amount =>
  text === undefined ? noAmount : { nanos: parseQuantity(text) ?? 0n, form: formOf(String(text)) }

export const addAmounts = (a: Amount, b: Amount): Amount => ({
  nanos: a.nanos + b.nanos,
  form: a.nanos === 0n ? b.form : a.form,
})

export const largerAmount = (a: Amount, b: Amount): Amount => (b.nanos > a.nanos ? b : a)

export const amountText = ({ nanos, form }: Amount): string => render(nanos, form)
