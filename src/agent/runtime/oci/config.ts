/** From what a container shall be to the config.json that the OCI runtime program reads. Pure. */
import { isIn } from '../../../host/is-in.ts'
import { maskedPaths, readOnlyPaths } from '../restricted-paths.ts'
import type {
  CapabilitySet,
  OciConfig,
  OciDevice,
  OciMount,
  OciNamespace,
  OciProcess,
  OciResources,
  OciUser,
  SeccompFilter,
} from './config-types.ts'

/** What becomes of mounts that are made below a volume while the container runs. */
export type Propagation = 'private' | 'rslave' | 'rshared'

/** A file or folder of the node at a place in the container. */
export interface ConfigMount {
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
  readonly propagation: Propagation
}

/** One command: the container's own, or one beside it. */
export interface ProcessInput {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly user: OciUser
  readonly tty: boolean
  /** As `net_admin`. */
  readonly capabilities: readonly string[]
  readonly noNewPrivileges: boolean
  readonly oomScoreAdj?: number
}

/** Which namespaces a container has for itself, shares with its pod, or with the node. */
export interface NamespaceInput {
  /** The pod's, as `/proc/1/ns`. */
  readonly folder: string
  /** The pod has the node's. */
  readonly hostNetwork: boolean
  readonly hostIPC: boolean
  /** Whose processes the container's are among, as `/proc/1/ns/pid`; missing: no other container sees them. */
  readonly pid: string | undefined
  /** Cgroup namespaces belong to v2. */
  readonly cgroup: boolean
}

export interface ConfigInput {
  readonly process: ProcessInput
  readonly namespaces: NamespaceInput
  readonly readonlyRoot: boolean
  readonly privileged: boolean
  /** `unmasked`: all of /proc can be seen and written to, which nested containers need. */
  readonly procMount: 'default' | 'unmasked'
  /** The folder that is the pod's /dev/shm. */
  readonly shm: string
  readonly mounts: readonly ConfigMount[]
  /** Besides the usual ones: those of a privileged container, or block devices that the pod was given. */
  readonly devices: readonly OciDevice[]
  readonly sysctls: Readonly<Record<string, string>>
  /** Missing: no filter. */
  readonly seccomp?: SeccompFilter | object
  /** Missing where we may not make control groups. */
  readonly cgroup?: { readonly path: string; readonly resources: OciResources }
  /** Whether group 5 (`tty`) exists in the user namespace we are in. */
  readonly hasTtyGroup: boolean
}

/** Below the bundle's folder. */
export const rootfsName = 'rootfs'

const ociVersion = '1.0.2'

const capabilityNames = (names: readonly string[]): readonly string[] =>
  names.map((name) => `CAP_${name.toUpperCase()}`)

/** Nothing is inherited and nothing ambient: who is not root keeps only what the files grant that they run. */
const capabilitySets = (names: readonly string[]): Readonly<Record<CapabilitySet, readonly string[]>> => {
  const own = capabilityNames(names)
  return { bounding: own, effective: own, permitted: own, inheritable: [], ambient: [] }
}

/** Also what `runc exec --process` reads. */
export const ociProcess = (input: ProcessInput): OciProcess => ({
  terminal: input.tty,
  user: input.user,
  args: input.args,
  env: Object.entries(input.env).map(([name, value]) => `${name}=${value}`),
  cwd: input.cwd,
  capabilities: capabilitySets(input.capabilities),
  noNewPrivileges: input.noNewPrivileges,
  ...(input.oomScoreAdj === undefined ? {} : { oomScoreAdj: input.oomScoreAdj }),
})

/** The runtime program runs where the pod has its pids, and in the namespaces of the node otherwise. */
const namespaces = ({ folder, hostNetwork, hostIPC, pid, cgroup }: NamespaceInput): readonly OciNamespace[] => {
  const joined: readonly (OciNamespace | false)[] = [
    { type: 'mount' },
    !hostNetwork && { type: 'network', path: `${folder}/net` },
    !hostNetwork && { type: 'uts', path: `${folder}/uts` },
    !hostIPC && { type: 'ipc', path: `${folder}/ipc` },
    // Of one that is joined the program knows that the container may leave processes behind there.
    pid === undefined ? { type: 'pid' } : { type: 'pid', path: pid },
    cgroup && { type: 'cgroup' },
  ]
  return joined.filter((each) => each !== false)
}

const closed = ['nosuid', 'noexec', 'nodev']

const systemMounts = (input: ConfigInput): readonly OciMount[] => {
  const { privileged, shm, cgroup, namespaces: shared, hasTtyGroup } = input
  const access = privileged ? 'rw' : 'ro'
  const devpts = ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...(hasTtyGroup ? ['gid=5'] : [])]
  const mounts: readonly (OciMount | false)[] = [
    { destination: '/proc', type: 'proc', source: 'proc', options: closed },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: devpts },
    { destination: '/dev/shm', type: 'bind', source: shm, options: ['rbind', 'rprivate', ...closed] },
    // The node's queues belong to the node.
    !shared.hostIPC && { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: closed },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...closed, access] },
    cgroup !== undefined && {
      ...{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup' },
      options: [...closed, 'relatime', access],
    },
  ]
  return mounts.filter((each) => each !== false)
}

const bindMount = ({ source, target, readOnly, propagation }: ConfigMount): OciMount => ({
  ...{ destination: target, type: 'bind', source },
  options: ['rbind', propagation === 'private' ? 'rprivate' : propagation, readOnly ? 'ro' : 'rw'],
})

/** A mount stands before those that lie below it. */
const depthOf = ({ target }: ConfigMount): number => target.split('/').filter(Boolean).length

/** A volume at the place of one of the system's own replaces it, and all that the system has below. */
const mountsOf = (input: ConfigInput): readonly OciMount[] => {
  const own = [...input.mounts].sort((a, b) => depthOf(a) - depthOf(b))
  const kept = systemMounts(input).filter(({ destination }) => !own.some(({ target }) => isIn(destination, target)))
  return [...kept, ...own.map(bindMount)]
}

export const ociConfig = (input: ConfigInput): OciConfig => {
  const { privileged, procMount, cgroup, sysctls, seccomp } = input
  const isOpen = privileged || procMount === 'unmasked'
  const propagations = new Set(input.mounts.map(({ propagation }) => propagation))
  return {
    ociVersion,
    process: ociProcess(input.process),
    root: { path: rootfsName, readonly: input.readonlyRoot },
    mounts: mountsOf(input),
    linux: {
      namespaces: namespaces(input.namespaces),
      devices: input.devices,
      ...(cgroup ? { cgroupsPath: cgroup.path, resources: cgroup.resources } : {}),
      ...(Object.keys(sysctls).length > 0 ? { sysctl: sysctls } : {}),
      ...(seccomp ? { seccomp } : {}),
      maskedPaths: isOpen ? [] : maskedPaths,
      readonlyPaths: isOpen ? [] : readOnlyPaths,
      ...(propagations.has('rshared')
        ? { rootfsPropagation: 'rshared' as const }
        : propagations.has('rslave')
          ? { rootfsPropagation: 'rslave' as const }
          : {}),
    },
  }
}
