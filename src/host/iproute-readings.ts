/** What iproute2 has answered, remembered until the kernel tells of a change: on a quiet node nothing has to be asked. */
import type { CommandRunner } from './command.ts'
import { createIpMonitor } from './ip-monitor.ts'
import { createIproute, type Iproute } from './iproute.ts'

/**
 * Its answers may be some milliseconds old, as the news of a change: for whoever looks again from time to time. What is
 * written by it makes it forget at once.
 */
export interface IprouteReadings extends Iproute {
  close(): void
}

/** Until it is certain that the program hears. */
const settleMs = 2_000
/** However quiet it is. */
const longestMs = 60_000

interface Reading {
  readonly args: readonly string[]
  readonly until: number
  readonly answer: readonly unknown[]
}

/** Neighbours and forwarding entries come and go with traffic: a line about one concerns who asked for those of its device. */
const neighbour = /(?:^| )dev (\S+) .*(?:PERMANENT|NOARP|REACHABLE|STALE|DELAY|PROBE|FAILED|INCOMPLETE)\s*$/

export const createIprouteReadings = (runner: CommandRunner, now = () => performance.now()): IprouteReadings => {
  const iproute = createIproute(runner)
  const known = new Map<string, Reading>()
  let changes = 0
  let runsSince = 0

  const forget = (isConcerned: (reading: Reading) => boolean): void => {
    changes++
    for (const [key, reading] of known) if (isConcerned(reading)) known.delete(key)
  }
  const monitor = createIpMonitor(runner, 'link address route neigh', (line) => {
    const [, device] = neighbour.exec(line) ?? []
    forget(device === undefined ? () => true : ({ args }) => args.includes(device))
  })

  /** Nothing is known from a time when nobody listened. */
  const listen = (): void => {
    if (monitor.isRunning) return
    known.clear()
    runsSince = now()
    monitor.ensure()
  }

  const show =
    (program: string, ask: (args: readonly string[]) => Promise<readonly unknown[]>): Iproute['showIp'] =>
    async (args) => {
      listen()
      const key = [program, ...args].join(' ')
      const started = now()
      const found = known.get(key)
      if (found && started < found.until) return found.answer
      const before = changes
      const answer = await ask(args)
      const isCertain = changes === before && monitor.isRunning && started - runsSince >= settleMs
      if (isCertain) known.set(key, { args, until: started + longestMs, answer })
      return answer
    }

  const writing = async <T>(write: Promise<T>): Promise<T> => {
    try {
      return await write
    } finally {
      forget(() => true)
    }
  }

  return {
    ip: async (lines) => {
      if (lines.length > 0) await writing(iproute.ip(lines))
    },
    each: async (program, lines) => (lines.length === 0 ? [] : writing(iproute.each(program, lines))),
    showIp: show('ip', iproute.showIp),
    showBridge: show('bridge', iproute.showBridge),
    close: monitor.close,
  }
}
