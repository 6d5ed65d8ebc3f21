/** So many equal outcomes in a row make a verdict. */

export interface Tally {
  readonly outcome: boolean
  /** How many times in a row. */
  readonly run: number
}

export interface Thresholds {
  readonly successThreshold: number
  readonly failureThreshold: number
}

/** The tally after one more outcome; a missing one has had none yet. */
export const count = (tally: Tally | undefined, outcome: boolean): Tally => ({
  outcome,
  run: tally?.outcome === outcome ? tally.run + 1 : 1,
})

/** The verdict a tally amounts to; undefined while there are too few of a kind. */
export const verdict = ({ outcome, run }: Tally, thresholds: Thresholds): boolean | undefined =>
  run >= (outcome ? thresholds.successThreshold : thresholds.failureThreshold) ? outcome : undefined
