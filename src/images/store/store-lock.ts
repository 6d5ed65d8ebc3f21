/** One process at a time changes what images and layers there are. The kernel ends a lock with the process that had it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { ImageError } from '../image-error.ts'

export interface StoreLock {
  /** Runs `work` while nobody else has the lock, in this process or another. */
  hold<T>(work: () => Promise<T>): Promise<T>
}

const defaultWaitSeconds = 60

/** Node has no flock(2): the program waits for the lock, says so, and keeps it until its input ends, as it does with us. */
const take = async (file: string, waitSeconds: number): Promise<() => Promise<void>> => {
  const script = 'echo && exec cat >/dev/null'
  const args = ['--exclusive', '--wait', String(waitSeconds), '--conflict-exit-code', '75', file, 'sh', '-c', script]
  const child = spawn('flock', args, { stdio: ['pipe', 'pipe', 'ignore'] })
  // That it is gone shows in its end.
  child.stdin.on('error', () => undefined)
  const ended = once(child, 'close')
  const first = await Promise.race([once(child.stdout, 'data').then(() => undefined), ended])
  if (first) {
    const busy = `the images of this node are being changed by another process for more than ${waitSeconds} s`
    throw new ImageError('disk', first[0] === 75 ? busy : `cannot lock ${file} (flock ended with ${first[0]})`)
  }
  return async () => {
    child.stdin.end()
    await ended
  }
}

export const createStoreLock = (file: string, waitSeconds = defaultWaitSeconds): StoreLock => {
  let last: Promise<unknown> = Promise.resolve()
  return {
    hold: (work) => {
      const run = async () => {
        const release = await take(file, waitSeconds)
        try {
          return await work()
        } finally {
          await release()
        }
      }
      const mine = last.then(run, run)
      // Its failure is its caller's; the next one only waits for its end.
      last = mine.catch(() => undefined)
      return mine
    },
  }
}
