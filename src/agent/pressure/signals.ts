/** What tells that a node runs short of something, by the kubelet's names. */

export const signals = {
  'memory.available': { condition: 'MemoryPressure', resource: 'memory' },
  'nodefs.available': { condition: 'DiskPressure', resource: 'ephemeral-storage' },
  'nodefs.inodesFree': { condition: 'DiskPressure', resource: 'inodes' },
  'imagefs.available': { condition: 'DiskPressure', resource: 'ephemeral-storage' },
  'imagefs.inodesFree': { condition: 'DiskPressure', resource: 'inodes' },
  'pid.available': { condition: 'PIDPressure', resource: 'pids' },
} as const

export type Signal = keyof typeof signals
export type Pressure = (typeof signals)[Signal]['condition']
export type StarvedResource = (typeof signals)[Signal]['resource']

/** In bytes, or in files or processes. */
export interface Observation {
  readonly available: number
  readonly capacity: number
}

/** What cannot be told is missing. */
export type Observations = ReadonlyMap<Signal, Observation>

export const isSignal = (text: string): text is Signal => Object.hasOwn(signals, text)
