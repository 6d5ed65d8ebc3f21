/**
 * Tells when links, addresses or routes change, in the network namespace we are in and in those that links lead to: one
 * `ip monitor` that stays. Nothing has to be asked as long as nothing happens.
 */
import type { CommandRunner, OpenCommand } from './command.ts'

export interface LinkMonitor {
  /** Starts it, when it does not run. */
  ensure(): void
  readonly isRunning: boolean
  close(): void
}

/**
 * `onChange` gets the number of the namespace as our links name it (`link_netnsid`); changes of our own namespace are not
 * told. A change that is told may be any, and may be one that we made.
 */
export const createLinkMonitor = (runner: CommandRunner, onChange: (namespace: number) => void): LinkMonitor => {
  let open: OpenCommand | undefined

  const hear = (line: string): void => {
    const [, number] = /^\[nsid (\d+)\]/.exec(line) ?? []
    if (number !== undefined) onChange(Number(number))
  }

  return {
    ensure: () => {
      if (open) return
      // What it says comes line by line on standard error alone.
      const started = runner.open('sh', ['-c', 'exec ip monitor link address route all-nsid >&2'])
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
