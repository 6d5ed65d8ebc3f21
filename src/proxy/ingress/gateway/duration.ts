const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }

/** The form of durations in the Gateway API (GEP-2257): `1h30m`, `500ms`. */
export const durationForm = /^([0-9]{1,5}(h|m|s|ms)){1,4}$/

/** Milliseconds of a duration; undefined when it is none. */
export const parseDuration = (text: string): number | undefined => {
  if (!durationForm.test(text)) return undefined
  const parts = text.matchAll(/(\d+)(ms|h|m|s)/g)
  return [...parts].reduce((sum, [, digits = '', unit = '']) => sum + Number(digits) * (unitMs[unit] ?? 0), 0)
}
