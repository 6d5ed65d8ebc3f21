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
