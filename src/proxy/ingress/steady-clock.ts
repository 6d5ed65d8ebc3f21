import { type Clock, systemClock } from '../../api/clock.ts'

/** Time that only goes forward, whatever happens to the wall clock. `now` counts from the start of the thread. */
export const steadyClock: Clock = { now: () => performance.now(), after: systemClock.after }
