/** How podway starts podway: the same Node, with the same flags, on the same program. */
import { dirname, join } from 'node:path'

/** The folder of the package: where the launcher is. */
export const packageRoot: string = join(import.meta.dirname, '../..')

/** Kept small: daemons and the pods' echo servers are many, and live long. What is worth it grows later (`host/busy-memory.ts`). */
const memoryFlags = [
  ...['--min-semi-space-size=1', '--max-semi-space-size=16', '--semi-space-growth-factor=1'],
  '--disable-warning=ExperimentalWarning',
]

/** `node … main.js`, to be followed by a command and its options. */
export const podwayWords = (): readonly string[] => {
  const main = process.argv[1]
  if (main === undefined) throw new Error('podway does not know its own program')
  const flags = process.execArgv.filter((flag) => !memoryFlags.includes(flag))
  return [process.execPath, ...flags, ...memoryFlags, main]
}

/** PATH for what podway starts: its own launcher first, and the sbin folders that hold iptables and ip. */
export const pathWithPodway = (): string =>
  [
    ...new Set([
      packageRoot,
      dirname(process.execPath),
      ...(process.env['PATH'] ?? '').split(':'),
      '/usr/local/sbin',
      '/usr/sbin',
      '/sbin',
    ]),
  ]
    .filter(Boolean)
    .join(':')
