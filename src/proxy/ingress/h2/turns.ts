/** Decides when output is flushed: at the end of what is run here, or once later for what happens outside. */

export interface Turns {
  /** There is something to be flushed. */
  touched(): void
  run(action: () => void): void
}

export const createTurns = (flush: () => void, defer: (action: () => void) => void): Turns => {
  let running = false
  let deferred = false

  const later = (): void => {
    deferred = false
    flush()
  }

  return {
    touched: () => {
      if (running || deferred) return
      deferred = true
      defer(later)
    },
    run: (action) => {
      running = true
      try {
        action()
      } finally {
        running = false
        flush()
      }
    },
  }
}
