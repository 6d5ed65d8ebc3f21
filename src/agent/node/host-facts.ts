/** What the node can tell about the machine it is. */
import { readFile, statfs } from 'node:fs/promises'
import { availableParallelism, release, totalmem } from 'node:os'
import type { NodeSystemInfo } from '../../api/types/index.ts'

export interface HostFacts {
  readonly cpus: number
  readonly memoryBytes: number
  readonly storageBytes: number
  readonly info: Pick<
    NodeSystemInfo,
    'machineID' | 'systemUUID' | 'bootID' | 'kernelVersion' | 'osImage' | 'operatingSystem' | 'architecture'
  >
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' }

/** Go's name for the architecture we run on, as Kubernetes labels nodes. */
export const architecture = (arch: string = process.arch): string => architectures[arch] ?? arch

/** Empty when there is no such file, or none that we may read: none of these is essential. */
const readOptional = async (file: string): Promise<string> => {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (['ENOENT', 'EACCES', 'EPERM', 'EIO'].includes(code)) return ''
    throw error
  }
}

/** The name of the distribution, from the text of /etc/os-release. */
export const prettyName = (osRelease: string): string => /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? 'Linux'

/** Looks at the machine. `storage` is the folder whose filesystem pods write to. */
export const readHostFacts = async (storage: string): Promise<HostFacts> => {
  const { blocks, bsize } = await statfs(storage)
  return {
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    storageBytes: blocks * bsize,
    info: {
      machineID: await readOptional('/etc/machine-id'),
      systemUUID: await readOptional('/sys/class/dmi/id/product_uuid'),
      bootID: await readOptional('/proc/sys/kernel/random/boot_id'),
      kernelVersion: release(),
      osImage: prettyName(await readOptional('/etc/os-release')),
      operatingSystem: 'linux',
      architecture: architecture(),
    },
  }
}
