/**
 * The times of a CronJob, in the syntax and with the words of robfig/cron's standard parser, which is what Kubernetes takes.
 * Libraries of this platform take more (`L`, `#`, a seventh day, seconds), so what they accept is not what Kubernetes does.
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

const descriptors = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']

/** As Go reads one: `1h30m`, `-1.5s`. */
const duration = /^[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$/

/** The number of a text, or what is wrong with it. */
const numberOf = (text: string, names: readonly string[] = []): number | string => {
  const named = text === '' ? -1 : names.indexOf(text.toLowerCase())
  if (named >= 0) return named
  return /^\d{1,9}$/.test(text) ? Number(text) : `failed to parse int from ${text}: invalid syntax`
}

const checkRange = (expression: string, { min, max, names }: Bounds): string | undefined => {
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
  return by === 0 ? `step of range should be a positive number: ${expression}` : undefined
}

const longest = 1024

/** Why a text is no schedule; undefined for one that is. */
export const checkSchedule = (schedule: string): string | undefined => {
  if (schedule.length > longest) return 'must be no more than 1024 characters'
  if (schedule.startsWith('@')) {
    if (descriptors.includes(schedule)) return undefined
    if (!schedule.startsWith('@every ')) return `unrecognized descriptor: ${schedule}`
    const text = schedule.slice('@every '.length)
    return duration.test(text) ? undefined : `failed to parse duration ${schedule}: time: invalid duration "${text}"`
  }
  const parts = schedule.split(/\s+/).filter((part) => part !== '')
  if (parts.length !== fields.length) return `expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`
  for (const [at, bounds] of fields.entries())
    for (const range of (parts[at] ?? '').split(',').filter((text) => text !== '')) {
      const message = checkRange(range, bounds)
      if (message !== undefined) return message
    }
  return undefined
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
