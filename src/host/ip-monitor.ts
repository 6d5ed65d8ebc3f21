/** One `ip monitor` that stays: it tells when links, addresses, routes or neighbours change, so that nothing has to be asked. */
import type { CommandRunner, OpenCommand } from './command.ts'

export interface IpMonitor {
  /** Starts it, when it does not run. */
  ensure(): void
  readonly isRunning: boolean
  close(): void
}

/** What is followed: the words of iproute2. */
export type Followed = 'link address route neigh' | 'link address route all-nsid'

/** `hear` gets what the program prints, line by line: also that it has lost something. */
export const createIpMonitor = (runner: CommandRunner, what: Followed, hear: (line: string) => void): IpMonitor => {
  let open: OpenCommand | undefined
  return {
    ensure: () => {
      if (open) return
      // What it says comes line by line on standard error alone.
      const started = runner.open('sh', ['-c', `exec ip monitor ${what} >&2`])
      started.onError(hear)
      started.onEnd(() => {
        if (open === started) open = undefined
      })
      open = started
    },
    get isRunning() {
      return open !== undefined
    },
    close: () => {
      open?.kill()
      open = undefined
    },
  }
}
