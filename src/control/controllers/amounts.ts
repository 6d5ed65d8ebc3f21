/** Numbers that may be written as a share of a total, as `25%`. Pure. */
import type { IntOrString } from '../../api/types/index.ts'

/** 0 when missing; `round` decides what becomes of parts. */
export const amountOf = (value: IntOrString | undefined, total: number, round: (n: number) => number): number => {
  if (typeof value === 'number') return value
  return value === undefined ? 0 : round((Number.parseInt(value, 10) * total) / 100)
}
