/** What one connection throws ends that connection: it is no reason for the thread to end, nor for its listeners. */

/** Told of a mistake of ours, and what was being done. */
export type OnFault = (what: string, error: unknown) => void

/** Wraps handlers of events and timers. */
export type Guard = <A extends readonly unknown[]>(action: (...args: A) => void) => (...args: A) => void

/** `end`: ends what is guarded, whose state nobody knows any more. */
export const createGuard =
  (what: string, fault: OnFault, end: () => void): Guard =>
  (action) =>
  (...args) => {
    try {
      action(...args)
    } catch (error) {
      fault(what, error)
      end()
    }
  }
