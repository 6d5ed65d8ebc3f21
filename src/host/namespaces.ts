/** Entering the namespaces of a process, as the words in front of a command, and telling them apart. */
import { stat } from 'node:fs/promises'

export type NamespaceKind = 'net' | 'mount' | 'pid' | 'ipc' | 'uts' | 'user'

/** `nsenter …` for the given namespaces of the process `pid`. */
export const enterProcess = (pid: number, kinds: readonly NamespaceKind[]): readonly [string, ...string[]] => [
  'nsenter',
  '--target',
  String(pid),
  ...kinds.map((kind) => (kind === 'user' ? '--user' : `--${kind}`)),
  ...(kinds.includes('user') ? ['--preserve-credentials'] : []),
  '--',
]

/** `nsenter` into a network namespace kept as a file (`/run/netns/NAME`, `/proc/PID/ns/net`). */
export const enterNetworkFile = (file: string): readonly [string, ...string[]] => ['nsenter', `--net=${file}`, '--']

/** Tells a namespace from all others that are there, whatever file leads to it; undefined when there is none. */
export const namespaceIdentity = async (file: string): Promise<string | undefined> => {
  const found = await stat(file).catch(() => undefined)
  return found && `${found.dev}:${found.ino}`
}
