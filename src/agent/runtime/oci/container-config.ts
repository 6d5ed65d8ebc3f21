/** From what a pod's container shall be, and what this node can give, to the input of config.json. Pure. */
import { posix } from 'node:path'
import type { ContainerSpec } from '../containers.ts'
import { usualCapabilities } from '../linux-capabilities.ts'
import type { Mount } from '../mounts.ts'
import type { SandboxSpec } from '../sandboxes.ts'
import type { ConfigInput, ConfigMount, ProcessInput } from './config.ts'
import type { OciDevice, OciDeviceRule } from './config-types.ts'
import type { NodeFacts } from './node-facts.ts'
import { deviceRules, ociResources } from './resources.ts'
import { defaultSeccomp } from './seccomp.ts'
import { type FoundUser, parseUser, type WantedUser } from './users.ts'

/** The pod asks for something that this node cannot give. */
export class NotHere extends Error {
  override readonly name = 'NotHere'
}

export const wantedUser = ({ user, groups = [] }: ContainerSpec): WantedUser => {
  if (user === undefined) return { user: '0', groups }
  const group = user.gid === undefined ? {} : { group: String(user.gid) }
  return { ...('named' in user ? parseUser(user.named) : { user: String(user.uid) }), ...group, groups }
}

const capabilitiesOf = ({ capabilities }: ContainerSpec, facts: NodeFacts, hasCgroup: boolean): readonly string[] => {
  if (capabilities === 'all') return [...facts.capabilities]
  const wanted = capabilities ?? usualCapabilities
  const missing = wanted.filter((name) => !facts.capabilities.has(name))
  const asked = missing.filter((name) => !usualCapabilities.includes(name))
  if (asked.length > 0) throw new NotHere(`this node itself has not the capability ${asked.join(', ').toUpperCase()}`)
  if (wanted.includes('mknod') && !hasCgroup && !facts.isUserNamespace)
    throw new NotHere('the capability MKNOD opens all devices of this node: there are no control groups to guard them')
  return wanted.filter((name) => facts.capabilities.has(name))
}

/** A score below our own takes a right that we may not have. */
const oomScoreOf = (wanted: number | undefined, { capabilities, oomScoreAdjust }: NodeFacts): number | undefined =>
  wanted === undefined || capabilities.has('sys_resource') ? wanted : Math.max(wanted, oomScoreAdjust)

export interface ContainerInput {
  readonly sandbox: SandboxSpec
  readonly spec: ContainerSpec
  readonly user: FoundUser
  readonly facts: NodeFacts
  /** As `/proc/1/ns`. */
  readonly namespaces: string
  /** The process namespace of another container, as `/proc/7/ns/pid`. */
  readonly joinedPids: string | undefined
  /** The pod's /dev/shm. */
  readonly shm: string
  readonly cgroupPath: string | undefined
  /** Of a privileged container, and block devices of the pod. */
  readonly devices: readonly OciDevice[]
  /** The profile of the name that `spec` gives. */
  readonly seccompFile: object | undefined
  /** What the runtime adds to the mounts of sandbox and container. */
  readonly mounts: readonly Mount[]
}

/** Of images that have none, as other runtimes have it. */
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Descriptors that a runtime program has left open would lead out of the container (CVE-2024-21626). */
const checkFolder = (folder: string): void => {
  if (/^\/+proc(\/|$)/.test(posix.normalize(folder)))
    throw new NotHere(`the working directory ${folder} lies in /proc, where no program works: choose another one`)
}

/** The runtime program has a pid of the pod, too, and the node as its root: whoever may trace processes would get there. */
const checkSight = ({ sandbox, spec: { capabilities, privileged } }: ContainerInput): void => {
  const mayTrace = capabilities === 'all' || capabilities?.includes('sys_ptrace')
  if (sandbox.shareProcessNamespace && mayTrace && !privileged)
    throw new NotHere(
      'the capability SYS_PTRACE leads to this node where a pod shares its processes: leave one of them out',
    )
}

const processOf = (input: ContainerInput): ProcessInput => {
  const { spec, user, facts, cgroupPath } = input
  checkFolder(spec.workingDir)
  checkSight(input)
  const oomScoreAdj = oomScoreOf(spec.limits.oomScoreAdjust, facts)
  return {
    ...{ args: spec.command, cwd: spec.workingDir || '/', tty: spec.tty ?? false },
    env: { ...(spec.tty ? { TERM: 'xterm' } : {}), PATH: defaultPath, ...spec.env },
    user: { uid: user.uid, gid: user.gid, additionalGids: user.groups },
    capabilities: capabilitiesOf(spec, facts, cgroupPath !== undefined),
    noNewPrivileges: spec.noNewPrivileges ?? false,
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
  }
}

const propagations = { 'host-to-container': 'rslave', bidirectional: 'rshared' } as const

const configMount = ({ source, target, readOnly, propagation }: Mount): ConfigMount => ({
  ...{ source, target, readOnly, propagation: propagation ? propagations[propagation] : 'private' },
})

/** Of two at one place the later one counts. */
const mountsOf = ({ sandbox, spec, mounts }: ContainerInput): readonly ConfigMount[] => [
  ...new Map([...sandbox.mounts, ...mounts, ...spec.mounts].map((each) => [each.target, configMount(each)])).values(),
]

/** A device file says nothing of who may write to what is behind it: its control group does. */
const rulesOf = ({ spec, devices, cgroupPath }: ContainerInput): readonly OciDeviceRule[] => {
  const readOnly = new Set((spec.devices ?? []).flatMap((each) => (each.readOnly ? [each.target] : [])))
  const [first] = readOnly
  if (first !== undefined && cgroupPath === undefined && !spec.privileged)
    throw new NotHere(
      `the device ${first} would not be read-only on this node: there are no control groups to guard it`,
    )
  return devices.map(({ path, type, major, minor }) => ({
    ...{ allow: true, type, major, minor, access: readOnly.has(path) ? 'r' : 'rw' },
  }))
}

const seccompOf = ({ spec, facts, seccompFile }: ContainerInput, capabilities: readonly string[]) => {
  const { privileged, seccomp } = spec
  if (privileged || seccomp === undefined || seccomp === 'unconfined') return {}
  return { seccomp: seccomp === 'default' ? defaultSeccomp(capabilities, facts.arch) : (seccompFile ?? {}) }
}

/** Throws `NotHere`. */
export const configInput = (input: ContainerInput): ConfigInput => {
  const { sandbox, spec, facts, cgroupPath } = input
  const { privileged = false } = spec
  const process = processOf(input)
  const rules = rulesOf(input)
  const { hostNetwork, hostIPC = false, hostPID = false, shareProcessNamespace = false } = sandbox
  return {
    ...{ process, privileged, shm: input.shm, mounts: mountsOf(input), devices: input.devices },
    namespaces: {
      ...{ folder: input.namespaces, hostNetwork, hostIPC, cgroup: facts.isCgroup2 && cgroupPath !== undefined },
      pid: hostPID || shareProcessNamespace ? `${input.namespaces}/pid` : input.joinedPids,
    },
    readonlyRoot: spec.readOnlyRoot ?? false,
    procMount: spec.unmaskedProc ? 'unmasked' : 'default',
    sysctls: sandbox.sysctls ?? {},
    ...seccompOf(input, process.capabilities),
    ...(cgroupPath === undefined
      ? {}
      : { cgroup: { path: cgroupPath, resources: ociResources(spec.limits, deviceRules(privileged, rules)) } }),
    hasTtyGroup: facts.hasTtyGroup,
  }
}
