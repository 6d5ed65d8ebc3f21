/** Gives back what a daemon needed only to start. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** When the start is over. */
const afterMs = 10_000

/**
 * One full collection some time after the start: V8 waits with the next one until the heap has doubled, which in a quiet
 * daemon is never. Holds no process back from ending.
 */
export const tidyMemoryOnce = (): void => {
  setTimeout(() => {
    setFlagsFromString('--expose-gc')
    const collect: unknown = runInNewContext('gc')
    if (typeof collect === 'function') collect()
  }, afterMs).unref()
}
