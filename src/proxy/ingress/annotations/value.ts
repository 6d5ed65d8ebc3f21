/** Readers of annotation values: text in, typed value out, `WrongValue` for anything else. */

/** The value is wrong; the message says what was expected. */
export class WrongValue extends Error {
  override readonly name = 'WrongValue'
}

export const wrong = (reason: string): never => {
  throw new WrongValue(reason)
}

/** The spellings that Go's ParseBool takes, and so ingress-nginx. */
const truths: Readonly<Record<string, boolean>> = {
  ...{ '1': true, t: true, T: true, true: true, TRUE: true, True: true },
  ...{ '0': false, f: false, F: false, false: false, FALSE: false, False: false },
}

export const flag = (text: string): boolean =>
  (Object.hasOwn(truths, text) ? truths[text] : undefined) ?? wrong('expected "true" or "false"')

/** nginx's own words; "true" and "false" mean the same. */
export const onOff = (text: string): boolean => {
  if (text === 'on' || text === 'off') return text === 'on'
  return (Object.hasOwn(truths, text) ? truths[text] : undefined) ?? wrong('expected "on" or "off"')
}

/** One of a few words. */
export const word =
  <const T extends string>(...words: readonly T[]) =>
  (text: string): T =>
    words.find((each) => each === text) ?? wrong(`expected ${words.join(', ')}`)

export const whole =
  (least: number, most: number = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text)
    if (/^\d{1,16}$/.test(text) && value >= least && value <= most) return value
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
    return wrong(`expected a whole number ${range}`)
  }

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** What a timer can wait for. */
const longestMs = 2 ** 31 - 1

/** Seconds without a unit, or numbers with units (`90s`, `1m30s`), as milliseconds. */
export const duration =
  (leastMs = 1) =>
  (text: string): number => {
    const parts = [...text.matchAll(/(\d{1,10})(ms|s|m|h|d) ?/g)]
    const isPlain = /^\d{1,10}$/.test(text)
    if (!isPlain && (parts.length === 0 || parts.map(([all]) => all).join('') !== text))
      return wrong('expected seconds, such as "60", or a time with its unit, such as "60s" or "1m"')
    const ms = isPlain ? Number(text) * 1000 : parts.reduce((sum, [, n, unit]) => sum + Number(n) * inMs(unit), 0)
    if (ms < leastMs) return wrong('expected more than no time at all')
    return ms <= longestMs ? ms : wrong('expected at most 24 days')
  }

const inMs = (unit = 's'): number => unitMs[unit] ?? 1000

const unitBytes: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

/** Bytes: `1000`, `8k`, `1m`, `1G`. */
export const size = (text: string): number => {
  const [, digits, unit = ''] = /^(\d{1,12})([bkmg]?)$/i.exec(text) ?? []
  const bytes = Number(digits) * (unitBytes[unit.toLowerCase()] ?? 1)
  return Number.isSafeInteger(bytes) ? bytes : wrong('expected bytes, such as "1000", "8k", "1m" or "1g"')
}

/** Values between commas; at least one. */
export const list =
  <T>(item: (text: string) => T, separator: string | RegExp = ',') =>
  (text: string): readonly T[] => {
    const parts = text.split(separator).flatMap((part) => part.trim() || [])
    if (parts.length === 0) return wrong('expected a list with something in it')
    return parts.map(item)
  }
