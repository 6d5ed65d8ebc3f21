/** When a schedule is due, by the clocks of a time zone. Pure. An hour that clocks skip is skipped, one that they repeat is there twice. */
import type { Calendar, Schedule } from '../../resources/batch/schedule.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

interface LocalTime {
  readonly year: number
  /** From 1. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
}

/** What clocks show at a moment. */
export type Zone = (ms: number) => LocalTime

/** By a name of the IANA's list; throws for any other. */
export const zoneOf = (timeZone: string): Zone => {
  const numeric = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const
  const format = new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', { timeZone, hourCycle: 'h23', ...numeric })
  return (ms) => {
    const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]))
    const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0
    const [year, month, day, hour, minute] = [part('year'), part('month'), part('day'), part('hour'), part('minute')]
    return { year, month, day, hour, minute }
  }
}

/** After so many years nothing comes any more: the 30th of February. */
const yearsAhead = 5

const isDay = (calendar: Calendar, month: number, day: number, weekday: number): boolean => {
  if (!calendar.months.has(month)) return false
  const [byDay, byWeekday] = [calendar.days.has(day), calendar.weekdays.has(weekday)]
  return calendar.isAnyDay || calendar.isAnyWeekday ? byDay && byWeekday : byDay || byWeekday
}

const dateOf = ({ year, month, day }: LocalTime): number => Date.UTC(year, month - 1, day)

/** The first day from this one on that the calendar has, as midnight of that date in UTC. */
const dayFrom = (calendar: Calendar, start: number): number | undefined => {
  const end = Date.UTC(new Date(start).getUTCFullYear() + yearsAhead, 0, 1)
  for (let date = start; date < end; date += dayMs) {
    const at = new Date(date)
    if (isDay(calendar, at.getUTCMonth() + 1, at.getUTCDate(), at.getUTCDay())) return date
  }
  return undefined
}

/** The first moment of a date: clocks that change may begin a day at another hour than 0. */
const beginOf = (date: number, zone: Zone): number => {
  const shown = zone(date)
  const offset = dateOf(shown) + shown.hour * hourMs + shown.minute * minuteMs - date
  let ms = date - offset - 3 * hourMs
  ms += (60 - zone(ms).minute) * minuteMs
  while (dateOf(zone(ms)) < date) ms += (60 - zone(ms).minute) * minuteMs
  return ms
}

const nextByCalendar = (calendar: Calendar, zone: Zone, after: number): number | undefined => {
  if (calendar.hours.size === 0 || calendar.minutes.size === 0) return undefined
  let ms = Math.floor(after / minuteMs) * minuteMs + minuteMs
  const end = ms + yearsAhead * 366 * dayMs
  while (ms < end) {
    const shown = zone(ms)
    const date = dateOf(shown)
    const wanted = dayFrom(calendar, date)
    if (wanted === undefined) return undefined
    if (wanted !== date) ms = beginOf(wanted, zone)
    else if (!calendar.hours.has(shown.hour)) ms += (60 - shown.minute) * minuteMs
    else if (!calendar.minutes.has(shown.minute)) ms += minuteMs
    else return ms
  }
  return undefined
}

/** The first time after this one; undefined when there is none. */
export const nextRun = (schedule: Schedule, zone: Zone, after: number): number | undefined =>
  'everyMs' in schedule ? Math.floor(after / 1_000) * 1_000 + schedule.everyMs : nextByCalendar(schedule, zone, after)

/** The last time after `from` that is not after `now`. */
export const lastRun = (schedule: Schedule, zone: Zone, from: number, now: number): number | undefined => {
  if ('everyMs' in schedule) {
    const start = Math.floor(from / 1_000) * 1_000
    const count = Math.floor((now - start) / schedule.everyMs)
    return count < 1 ? undefined : start + count * schedule.everyMs
  }
  for (let back = 2 * minuteMs; ; back *= 4) {
    const start = Math.max(from, now - back)
    let last: number | undefined
    for (let run = nextRun(schedule, zone, start); run !== undefined && run <= now; run = nextRun(schedule, zone, run))
      last = run
    if (last !== undefined || start === from) return last
  }
}

/** How many times there are after `from` and not after `now`; counted up to `limit`. */
export const countRuns = (schedule: Schedule, zone: Zone, from: number, now: number, limit: number): number => {
  let count = 0
  for (
    let run = nextRun(schedule, zone, from);
    run !== undefined && run <= now && count < limit;
    run = nextRun(schedule, zone, run)
  )
    count++
  return count
}
