/** What of this node decides how containers are made. */
import type { BigIntStats } from 'node:fs'
import { access, lstat, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readIdMap } from '../../../host/id-map.ts'
import { capabilitiesIn } from '../linux-capabilities.ts'
import type { OciDevice } from './config-types.ts'

export interface NodeFacts {
  /** What we may do ourselves, and hence give. */
  readonly capabilities: ReadonlySet<string>
  /** As Node names it. */
  readonly arch: string
  /** Control groups are v2, and nothing else. */
  readonly isCgroup2: boolean
  /** Group 5, which terminals belong to, is one that we may give. */
  readonly hasTtyGroup: boolean
  /** An ordinary user's: devices cannot be made, and need not be guarded. */
  readonly isUserNamespace: boolean
  /** Labels mean something here. On other kernels they ask for nothing, as every runtime has it. */
  readonly hasSELinux: boolean
  /** Our own; nobody without the right to may have a lower one. */
  readonly oomScoreAdjust: number
}

const ttyGroup = 5

/** Lines are `Name:<tab>value`. */
const fieldOf = (status: string, name: string): string =>
  status
    .split('\n')
    .find((line) => line.startsWith(`${name}:`))
    ?.slice(name.length + 1)
    .trim() ?? '0'

/** All ids of the machine are there. */
const isWholeMap = (text: string): boolean => /^\s*0\s+0\s+4294967295\s*$/.test(text)

export const readNodeFacts = async (): Promise<NodeFacts> => {
  const [status, uidMap, oomScore, holds] = await Promise.all([
    readFile('/proc/self/status', 'utf8'),
    readFile('/proc/self/uid_map', 'utf8'),
    readFile('/proc/self/oom_score_adj', 'utf8'),
    readIdMap(),
  ])
  const hasSELinux = await access('/sys/fs/selinux/enforce').then(
    () => true,
    () => false,
  )
  // Of v2 alone.
  const controllers = await readFile('/sys/fs/cgroup/cgroup.controllers', 'utf8').catch(() => '')
  return {
    capabilities: new Set(capabilitiesIn(fieldOf(status, 'CapPrm'))),
    arch: process.arch,
    isCgroup2: controllers.trim() !== '',
    hasTtyGroup: holds(ttyGroup),
    isUserNamespace: !isWholeMap(uidMap),
    hasSELinux,
    oomScoreAdjust: Number(oomScore),
  }
}

const majorOf = (device: bigint): number => Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn))
const minorOf = (device: bigint): number => Number((device & 0xffn) | ((device >> 12n) & ~0xffn))

const deviceFrom = (path: string, found: BigIntStats): OciDevice | undefined => {
  if (!found.isBlockDevice() && !found.isCharacterDevice()) return undefined
  return {
    ...{ path, type: found.isBlockDevice() ? ('b' as const) : ('c' as const) },
    ...{ major: majorOf(found.rdev), minor: minorOf(found.rdev), fileMode: Number(found.mode) & 0o777 },
    ...{ uid: Number(found.uid), gid: Number(found.gid) },
  }
}

/** A device of the node, as `target` in a container. Rejects when it is none. */
export const deviceOf = async (source: string, target: string): Promise<OciDevice> => {
  const device = deviceFrom(target, await stat(source, { bigint: true }))
  if (!device) throw new Error(`${source} is no device`)
  return device
}

/** They are made for each container. */
const own = new Set([
  'pts',
  'shm',
  'fd',
  'mqueue',
  'console',
  'ptmx',
  'null',
  'zero',
  'full',
  'random',
  'urandom',
  'tty',
])
const maxDepth = 4
const maxDevices = 4_096

/** All devices of the node: for containers that are privileged. */
export const allDevices = async (): Promise<readonly OciDevice[]> => {
  const devices: OciDevice[] = []
  // Devices come and go.
  const look = async (folder: string, depth: number): Promise<void> => {
    for (const name of (await readdir(folder).catch(() => [])).sort()) {
      const path = join(folder, name)
      if ((depth === 0 && own.has(name)) || devices.length >= maxDevices) continue
      const found = await lstat(path, { bigint: true }).catch(() => undefined)
      const device = found && deviceFrom(path, found)
      if (device) devices.push(device)
      else if (found?.isDirectory() && depth < maxDepth) await look(path, depth + 1)
    }
  }
  await look('/dev', 0)
  return devices
}
