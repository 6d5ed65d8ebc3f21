/**
 * The times of a CronJob, in the syntax and with the words of robfig/cron's standard parser, which is what Kubernetes takes.
 * Libraries of this platform (croner) take more (`L`, `#`, a seventh day, seconds), not all of it (`@every`, `5/15`, `?`), and run
 * in hours that clocks skip or repeat when Kubernetes does not: what they do is not what Kubernetes does.
 */

interface Bounds {
  readonly min: number
  readonly max: number
  readonly names?: readonly string[]
}

const fields: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: ['', ...'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ')] },
  { min: 0, max: 6, names: 'sun mon tue wed thu fri sat'.split(' ') },
]

const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

/** The times in a day, and the days: of those of the month and of the week either may do when neither is any. */
export interface Calendar {
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly days: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  /** From 0, Sunday. */
  readonly weekdays: ReadonlySet<number>
  readonly isAnyDay: boolean
  readonly isAnyWeekday: boolean
}

export type Schedule = Calendar | { readonly everyMs: number }

/** As Go reads one: `1h30m`, `-1.5s`. */
const duration = /^([-+]?)(0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/
const durationPart = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g
const unitMs: Readonly<Record<string, number>> = {
  ...{ ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 },
}

/** Whole seconds, at least one. */
const everyOf = (text: string): number | undefined => {
  const [, sign, amounts = ''] = duration.exec(text) ?? []
  if (sign === undefined) return undefined
  const ms = [...amounts.matchAll(durationPart)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (unitMs[unit] ?? 0),
    0,
  )
  return Math.max(1_000, Math.floor((sign === '-' ? -ms : ms) / 1_000) * 1_000)
}

/** The number of a text, or what is wrong with it. */
const numberOf = (text: string, names: readonly string[] = []): number | string => {
  const named = text === '' ? -1 : names.indexOf(text.toLowerCase())
  if (named >= 0) return named
  return /^\d{1,9}$/.test(text) ? Number(text) : `failed to parse int from ${text}: invalid syntax`
}

interface Range {
  readonly numbers: readonly number[]
  readonly isAny: boolean
}

const rangeOf = (expression: string, { min, max, names }: Bounds): Range | string => {
  const [range = '', step, ...moreSteps] = expression.split('/')
  const [low = '', high, ...moreHyphens] = range.split('-')
  const isAny = low === '*' || low === '?'
  if (!isAny && moreHyphens.length > 0) return `too many hyphens: ${expression}`
  const start = isAny ? min : numberOf(low, names)
  if (typeof start === 'string') return start
  const end = isAny ? max : high === undefined ? (step === undefined ? start : max) : numberOf(high, names)
  if (typeof end === 'string') return end
  if (moreSteps.length > 0) return `too many slashes: ${expression}`
  const by = step === undefined ? 1 : numberOf(step)
  if (typeof by === 'string') return by
  if (start < min) return `beginning of range (${start}) below minimum (${min}): ${expression}`
  if (end > max) return `end of range (${end}) above maximum (${max}): ${expression}`
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${expression}`
  if (by === 0) return `step of range should be a positive number: ${expression}`
  const count = Math.floor((end - start) / by) + 1
  return { numbers: Array.from({ length: count }, (_, at) => start + at * by), isAny: isAny && by === 1 }
}

interface Field {
  readonly numbers: ReadonlySet<number>
  readonly isAny: boolean
}

const fieldOf = (text: string, bounds: Bounds): Field | string => {
  const numbers = new Set<number>()
  let isAny = false
  for (const part of text.split(',').filter((each) => each !== '')) {
    const range = rangeOf(part, bounds)
    if (typeof range === 'string') return range
    for (const number of range.numbers) numbers.add(number)
    isAny ||= range.isAny
  }
  return { numbers, isAny }
}

const longest = 1024

/** Reads a schedule; a text is why it is none. */
export const parseSchedule = (given: string): Schedule | string => {
  if (given.length > longest) return 'must be no more than 1024 characters'
  if (given.startsWith('@every ')) {
    const text = given.slice('@every '.length)
    const everyMs = everyOf(text)
    return everyMs === undefined ? `failed to parse duration ${given}: time: invalid duration "${text}"` : { everyMs }
  }
  const schedule = given.startsWith('@') && Object.hasOwn(descriptors, given) ? (descriptors[given] ?? '') : given
  if (schedule.startsWith('@')) return `unrecognized descriptor: ${schedule}`
  const parts = schedule.split(/\s+/).filter((part) => part !== '')
  if (parts.length !== fields.length) return `expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`
  const parsed: Field[] = []
  for (const [at, bounds] of fields.entries()) {
    const field = fieldOf(parts[at] ?? '', bounds)
    if (typeof field === 'string') return field
    parsed.push(field)
  }
  const none: Field = { numbers: new Set(), isAny: false }
  const [minutes = none, hours = none, days = none, months = none, weekdays = none] = parsed
  return {
    ...{ minutes: minutes.numbers, hours: hours.numbers, days: days.numbers, months: months.numbers },
    ...{ weekdays: weekdays.numbers, isAnyDay: days.isAny, isAnyWeekday: weekdays.isAny },
  }
}

/** Why a text is no schedule; undefined for one that is. */
export const checkSchedule = (schedule: string): string | undefined => {
  const parsed = parseSchedule(schedule)
  return typeof parsed === 'string' ? parsed : undefined
}

/** Why a text names no time zone of the IANA's list; undefined for one that does. */
export const checkTimeZone = (zone: string): string | undefined => {
  if (zone === '') return 'timeZone must be nil or non-empty string'
  if (zone.toLowerCase() === 'local')
    return 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'
  const unknown = `unknown time zone ${zone.slice(0, 64)}`
  if (!/^[A-Za-z][-+A-Za-z0-9_/]{0,63}$/.test(zone)) return unknown
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return undefined
  } catch {
    return unknown
  }
}
