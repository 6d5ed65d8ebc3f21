/** Counts what a peer may do only so often: a bucket that fills with time and with useful work. */

export interface Budget {
  /** False when there is not so much left. */
  spend(amount: number): boolean
  earn(amount: number): void
}

export const createBudget = (perSecond: number, burst: number, now: () => number): Budget => {
  let left = burst
  let filledAt = now()

  const add = (amount: number): void => {
    left = Math.min(burst, left + amount)
  }

  return {
    // The clock is asked only when it matters.
    spend: (amount) => {
      if (left < amount) {
        const time = now()
        add(((time - filledAt) / 1000) * perSecond)
        filledAt = time
      }
      left -= amount
      return left >= 0
    },
    earn: add,
  }
}
