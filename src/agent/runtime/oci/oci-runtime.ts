/**
 * Containers of images, by the OCI runtime program (runc, crun), without a daemon. A pod is held as pods of processes are; each
 * container has the root of its image, an overlay that only its shim has mounted, so that it vanishes with it.
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../../api/clock.ts'
import type { Cgroups } from '../../../host/cgroup.ts'
import type { Logger } from '../../../host/log.ts'
import { signalProcess } from '../../../host/process.ts'
import type { RootLayers } from '../../../images/images.ts'
import type { Capabilities } from '../capabilities.ts'
import { type ContainerSpec, TargetError } from '../containers.ts'
import type { Images } from '../images.ts'
import type { OnChange, OnDamage, Runtime } from '../runtime.ts'
import type { SandboxSpec } from '../sandboxes.ts'
import type { Leftovers } from '../shared/live.ts'
import { readNodeFiles } from '../shared/node-files.ts'
import { compileHolderRoot } from '../shared/pod-root.ts'
import { type ContainerKind, createShimRuntime, type LaunchRequest } from '../shared/shim-runtime.ts'
import { createStateStore, type StoredContainer } from '../shared/state.ts'
import { logEndOf, readTerminationMessage } from '../shared/termination-message.ts'
import { type Bundles, createBundles } from './bundles.ts'
import { ociConfig } from './config.ts'
import type { OciDevice } from './config-types.ts'
import { configInput, NotHere, wantedUser } from './container-config.ts'
import { featuresOf } from './features.ts'
import type { ImageRoots } from './image-roots.ts'
import { besideShim, launchShim } from './launch.ts'
import { mainProcess } from './main-process.ts'
import { allDevices, deviceOf, type NodeFacts } from './node-facts.ts'
import { atTerminal, type Program } from './program.ts'
import { IrregularFile, readInRoot } from './root-files.ts'
import { signalNumber } from './signals.ts'
import { checkSysctls } from './sysctls.ts'
import { type FoundUser, findUser } from './users.ts'

/** Its name. */
const ociRuntime = 'oci'

export interface OciRuntimeOptions {
  /** Where the state is kept; it should vanish with a reboot, as the processes do. */
  readonly stateDir: string
  /** Where containers write: on a disk. */
  readonly diskDir: string
  /** Where the seccomp profiles lie that pods may name. */
  readonly seccompDir: string
  /** Throws where there is none; asked when the first pod starts. */
  readonly program: () => Promise<Program>
  readonly facts: NodeFacts
  readonly images: Images
  readonly roots: ImageRoots
  /** Missing where we may not make groups: limits are then not enforced. */
  readonly cgroups: Cgroups | undefined
  readonly identities: Pick<Capabilities, 'canBecome' | 'canSetGroups'>
  readonly onChange: OnChange
  readonly onDamage: OnDamage
  readonly log: Logger
  readonly clock?: Clock
  readonly pollMs?: number
}

/** A container as kept. */
interface OciContainer extends StoredContainer {
  readonly stopSignal: number
  readonly hostPID: boolean
  /** Whether the end of its log are its last words when it has failed without any. */
  readonly logIsMessage: boolean
}

const isOciContainer = (container: StoredContainer): container is OciContainer =>
  'stopSignal' in container && typeof container.stopSignal === 'number'

/** As large as other runtimes make it. */
const shmOptions = 'mode=1777,nosuid,nodev,noexec,size=64m'
/** Whatever an image's author or a user has put there. */
const maxUserFileBytes = 1 << 20
const maxProfileBytes = 1 << 20

/** A device that an image has, or that somebody makes in its root, opens nothing of the node. */
const overlayOptions = ({ names, mountOptions }: RootLayers, upper: string, work: string): string =>
  ['nodev', `lowerdir=${names.toReversed().join(':')}`, `upperdir=${upper}`, `workdir=${work}`, ...mountOptions].join()

const readRegular = (root: string, path: string, maxBytes: number, failure: string): string | undefined => {
  try {
    return readInRoot(root, path, maxBytes)
  } catch (error) {
    if (error instanceof IrregularFile) throw new NotHere(`${failure}: ${error.message}`)
    throw error
  }
}

/** The program reads both as well, and would wait for whoever writes to a pipe. */
const userIn = (root: string, spec: ContainerSpec): FoundUser => {
  const failure = `cannot start container ${spec.name}`
  const read = (path: string): string => readRegular(root, path, maxUserFileBytes, failure) ?? ''
  return findUser(wantedUser(spec), { passwd: read('/etc/passwd'), group: read('/etc/group') })
}

const checkUser = ({ uid, gid }: FoundUser, { canBecome }: Pick<Capabilities, 'canBecome'>): void => {
  for (const id of [uid, gid])
    if (!canBecome(id))
      throw new NotHere(`user or group ${id} does not exist in the user namespace of this node: run podway as root`)
}

const seccompFile = ({ seccomp }: ContainerSpec, folder: string): object | undefined => {
  if (seccomp === undefined || typeof seccomp === 'string') return undefined
  const failure = `cannot load seccomp profile ${JSON.stringify(seccomp.file)}`
  const text = readRegular(folder, seccomp.file, maxProfileBytes, failure)
  if (text === undefined) throw new NotHere(`${failure}: no such file below ${folder}`)
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) throw new NotHere(`${failure}: it is no object`)
  return value
}

const checkProfiles = ({ appArmor, seLinux }: ContainerSpec, { hasSELinux }: NodeFacts): void => {
  if (appArmor !== undefined && appArmor !== 'unconfined') throw new NotHere('AppArmor is not enabled on this node')
  if (seLinux !== undefined && hasSELinux) throw new NotHere('labels of SELinux are not set by this runtime')
}

const devicesOf = async ({ privileged, devices = [] }: ContainerSpec): Promise<readonly OciDevice[]> => [
  ...(privileged ? await allDevices() : []),
  ...(await Promise.all(devices.map(({ source, target }) => deviceOf(source, target)))),
]

export const createOciRuntime = (options: OciRuntimeOptions): Runtime => {
  const { stateDir, diskDir, facts, roots, cgroups, identities } = options
  const store = createStateStore(stateDir, isOciContainer)
  const bundles: Bundles = createBundles({ stateDir, diskDir })
  const shmOf = ({ id, hostIPC }: SandboxSpec): string => (hostIPC ? '/dev/shm' : `${store.sandboxDir(id)}/shm`)

  const hostnameFile = (sandbox: string): string => join(store.sandboxDir(sandbox), 'hostname')

  const layersOf = async (id: string, image: string): Promise<RootLayers> => {
    await roots.hold(image, id)
    return roots.layersOf(image)
  }

  /** Where the pod's containers do not see each other's processes anyway. */
  const joinedPids = async ({ target, sandbox }: LaunchRequest<OciContainer>): Promise<string | undefined> => {
    if (!target || sandbox.hostPID || sandbox.shareProcessNamespace) return undefined
    const main = await mainProcess(target.process.pid, bundles.placeOf(target.id).bundle, 1)
    if (!main) throw new TargetError(`target container ${JSON.stringify(target.name)} is not running`)
    return `/proc/${main.noted}/ns/pid`
  }

  const writeConfig = async (request: LaunchRequest<OciContainer>, shim: number): Promise<void> => {
    const { sandbox, spec, container } = request
    const user = userIn(`/proc/${shim}/root${bundles.rootfsOf(container.id)}`, spec)
    checkUser(user, identities)
    const input = configInput({
      ...{ sandbox, spec, user, facts, shm: shmOf(sandbox), devices: await devicesOf(spec) },
      namespaces: `/proc/${sandbox.hostPID ? request.process.pid : 1}/ns`,
      joinedPids: await joinedPids(request),
      cgroupPath: cgroups?.pathOf(container.id),
      seccompFile: seccompFile(spec, options.seccompDir),
      mounts: [
        { source: hostnameFile(sandbox.id), target: '/etc/hostname', kind: 'file', readOnly: false },
        ...(await terminationMount(container.id, spec)),
      ],
    })
    await bundles.saveConfig(container.id, ociConfig(input))
  }

  const terminationMount = async (id: string, { terminationMessage }: ContainerSpec) => {
    if (!terminationMessage) return []
    const source = bundles.terminationLogOf(id)
    await writeFile(source, '')
    // Whoever the container runs as, and whatever our umask is.
    await chmod(source, 0o666)
    return [{ source, target: terminationMessage.path, kind: 'file' as const, readOnly: false }]
  }

  const launch = async (request: LaunchRequest<OciContainer>) => {
    const { sandbox, process, spec, container, exitFile, stdinFile, record } = request
    const { id } = container
    if (!spec.image) throw new Error(`container ${spec.name} has no image`)
    checkProfiles(spec, facts)
    const program = await options.program()
    await bundles.make(id)
    const layers = await layersOf(id, spec.image.id)
    const hostPID = sandbox.hostPID ?? false
    return launchShim({
      ...{ name: spec.name, process, hostPID, program, place: bundles.placeOf(id), logFile: spec.logFile },
      ...{ exitFile, stdinFile, tty: spec.tty ?? false, layersFolder: layers.folder },
      overlayOptions: overlayOptions(layers, bundles.upperOf(id), bundles.workOf(id)),
      prepare: async (shim) => {
        await writeConfig(request, shim.pid)
        const stopSignal = signalNumber(spec.stopSignal ?? 'SIGTERM')
        const logIsMessage = spec.terminationMessage?.fallBackToLogs ?? false
        await record({ ...container, process: shim, stopSignal, hostPID, logIsMessage })
      },
    })
  }

  const kind: ContainerKind<OciContainer> = {
    rootOf: async (spec) => {
      checkSysctls(spec)
      await options.program()
      const root = compileHolderRoot(await readNodeFiles([]), store.rootOf(spec.id))
      const name = spec.hostNetwork ? hostname() : spec.hostname
      await writeFile(hostnameFile(spec.id), `${name}\n`, { mode: 0o644 })
      if (spec.hostIPC) return { root, shared: '' }
      await mkdir(shmOf(spec), { recursive: true })
      return { root, shared: `shm ${shmOf(spec)} tmpfs ${shmOptions} 0 0\n` }
    },
    launch,
    stop: async ({ id, process, hostPID, stopSignal }) => {
      const main = await mainProcess(process.pid, bundles.placeOf(id).bundle, hostPID ? 0 : 1)
      if (main) signalProcess(main.pid, stopSignal)
    },
    commands: {
      prepare: async ({ container }, command, { tty }) => {
        const { id } = container
        const own = await bundles.processOf(id)
        const env = tty && !own.env.some((each) => each.startsWith('TERM=')) ? [...own.env, 'TERM=xterm'] : own.env
        const file = await bundles.saveCommand(id, { ...own, args: command, env, terminal: tty })
        const program = await options.program()
        const words = besideShim(container.process, program.exec(bundles.placeOf(id), file))
        return { words: tty ? atTerminal(words) : words, done: () => bundles.dropCommand(file) }
      },
      // The terminal is one of the node's.
      sizeWords: () => (stty) => ['env', ...stty],
    },
    writableOf: bundles.upperOf,
  }

  const leftovers: Leftovers<OciContainer> = {
    lastWords: ({ id, logFile, logIsMessage }, exitCode) =>
      readTerminationMessage(
        { file: bundles.terminationLogOf(id), logEnd: logIsMessage ? () => logEndOf(logFile) : undefined },
        exitCode,
      ),
    drop: async (id) => {
      await bundles.drop(id)
      for (const { image, user } of await roots.held()) if (user === id) await roots.release(image, user)
    },
    retain: async (ids) => {
      await bundles.retain(ids)
      for (const { image, user } of await roots.held()) if (!ids.includes(user)) await roots.release(image, user)
    },
  }

  return {
    ...createShimRuntime(ociRuntime, { ...options, kind, leftovers, store }),
    images: options.images,
    capabilities: { features: featuresOf(facts), ...identities },
  }
}
