/** Which doors a serving thread opens: one that cannot be had now is tried again, until nobody wants it any more. */
import type { Clock } from '../../../api/clock.ts'
import type { Relay } from '../relay/relay.ts'
import type { Listener } from './protocol.ts'

export interface Doors {
  /** Resolves with the port when it is open at once; else it is as soon as whoever has the port gives it up. */
  open(listener: Listener): Promise<number | undefined>
  /** Accepts nobody any more by the door of this entry, nor opens it later. */
  close(entry: string): void
  /** Tries no more. */
  stop(): void
}

interface Wish {
  isOver: boolean
  /** Of the next attempt. */
  cancel: () => void
}

const nothing = (): void => {}

const retryMs = 5_000

export const createDoors = (
  relay: Pick<Relay, 'listen' | 'unlisten'>,
  clock: Pick<Clock, 'after'>,
  report: (problem: string) => void,
): Doors => {
  const wishes = new Map<string, Wish>()
  /** One thing after the other for each entry: what is being opened can be closed only when it is open. */
  const last = new Map<string, Promise<unknown>>()
  const inTurn = <T>(entry: string, action: () => Promise<T> | T): Promise<T> => {
    const next = (last.get(entry) ?? Promise.resolve()).then(action)
    last.set(entry, next)
    return next
  }

  const attempt = async (listener: Listener, wish: Wish): Promise<number | undefined> => {
    const { entry, ...where } = listener
    if (wish.isOver) return undefined
    try {
      return (await relay.listen(entry, where)).port
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      report(`cannot listen for ${entry}: ${why} (trying again every ${retryMs / 1000} s)`)
      wish.cancel = clock.after(retryMs, () => void inTurn(entry, () => attempt(listener, wish)))
      return undefined
    }
  }

  const giveUp = (wish: Wish | undefined): void => {
    if (!wish) return
    wish.isOver = true
    wish.cancel()
  }

  return {
    open: (listener) => {
      const wish = { isOver: false, cancel: nothing }
      wishes.set(listener.entry, wish)
      return inTurn(listener.entry, () => attempt(listener, wish))
    },
    close: (entry) => {
      giveUp(wishes.get(entry))
      wishes.delete(entry)
      // Not waited for: what has come in by it may take hours.
      void inTurn(entry, () => void relay.unlisten(entry))
    },
    stop: () => {
      for (const wish of wishes.values()) giveUp(wish)
    },
  }
}
