/** What the node has left, as the kernel tells. */

import type { Observation, Observations, Signal } from '../pressure/signals.ts'
import { readFilesystem } from '../usage/filesystem-usage.ts'
import { type GroupMemory, readGroupMemory } from '../usage/group-memory.ts'
import { readMachine, readMaxPids } from '../usage/machine-usage.ts'
import type { FilesystemUsage } from '../usage/usage.ts'

export interface ObservedPlaces {
  readonly memoryBytes: number
  /** On the disk of logs, volumes and what containers write. */
  readonly nodeDir: string
  /** On the disk of images. */
  readonly imageDir: string
}

/** Filesystems that count no files have no limit of them. */
const ofFilesystem = (
  name: 'nodefs' | 'imagefs',
  usage: FilesystemUsage | undefined,
): readonly (readonly [Signal, Observation])[] => {
  if (!usage) return []
  const { availableBytes, capacityBytes, inodes, inodesFree } = usage
  return [
    [`${name}.available`, { available: availableBytes, capacity: capacityBytes }],
    ...(inodes > 0 ? ([[`${name}.inodesFree`, { available: inodesFree, capacity: inodes }]] as const) : []),
  ]
}

/** The kernel ends processes when the group of the agent has no more, however much the machine has. Pure. */
export const memoryLeft = (capacity: number, workingSet: number, group: GroupMemory | undefined): Observation => {
  const left = (limit: number, used: number): Observation => ({ available: Math.max(0, limit - used), capacity: limit })
  const machine = left(capacity, workingSet)
  const ofGroup = group && left(group.limitBytes, group.workingSetBytes)
  return ofGroup && ofGroup.available < machine.available ? ofGroup : machine
}

export const observeNode = async ({ memoryBytes, nodeDir, imageDir }: ObservedPlaces): Promise<Observations> => {
  const { memory, processes } = readMachine()
  const maxPids = readMaxPids()
  const pids: readonly (readonly [Signal, Observation])[] =
    maxPids > 0 ? [['pid.available', { available: maxPids - processes, capacity: maxPids }]] : []
  return new Map([
    ['memory.available', memoryLeft(memoryBytes, memory.workingSetBytes, readGroupMemory(memoryBytes))],
    ...ofFilesystem('nodefs', await readFilesystem(nodeDir)),
    // Before the first image there is no folder of images: it will be made beside the others.
    ...ofFilesystem('imagefs', (await readFilesystem(imageDir)) ?? (await readFilesystem(nodeDir))),
    ...pids,
  ])
}
