/** Pods as plain process trees with the node's programs: a container is a command in the namespaces and the root of its pod. */
import type { Clock } from '../../../api/clock.ts'
import { systemClock } from '../../../api/clock.ts'
import type { StringMap } from '../../../api/types/index.ts'
import type { Cgroups } from '../../../host/cgroup.ts'
import { canSetGroups } from '../../../host/id-map.ts'
import type { Logger } from '../../../host/log.ts'
import { familyOf, signalProcess } from '../../../host/process.ts'
import type { Capabilities } from '../capabilities.ts'
import { createOwnImages } from '../own-images.ts'
import type { OnChange, OnDamage, Runtime } from '../runtime.ts'
import { podwayPrograms, readNodeFiles } from '../shared/node-files.ts'
import { compilePodRoot } from '../shared/pod-root.ts'
import { type ContainerKind, createShimRuntime, type RunningContainer } from '../shared/shim-runtime.ts'
import { createStateStore } from '../shared/state.ts'
import { renderEnvFile } from './env-file.ts'
import {
  type CommandPlace,
  execWords,
  isProcessContainer,
  launchContainer,
  type ProcessContainer,
  terminalWords,
} from './launch.ts'
import { rightsWords } from './rights.ts'
import { createSettings } from './settings.ts'

/** Its name. */
const processRuntime = 'process'

export interface ProcessRuntimeOptions {
  /** Where the state is kept; it should vanish with a reboot, as the processes do. */
  readonly stateDir: string
  /** Missing where we may not make groups: limits are then not enforced. */
  readonly cgroups: Cgroups | undefined
  readonly onChange: OnChange
  readonly onDamage: OnDamage
  readonly log: Logger
  /** Who containers can be; root alone when missing. */
  readonly identities?: Pick<Capabilities, 'canBecome' | 'canSetGroups'>
  /** The variables every container gets, PATH among them. */
  readonly env?: StringMap
  readonly clock?: Clock
  /** How often the processes are looked at, for an end that nobody told us of. */
  readonly pollMs?: number
  /** Files and folders of the node that pods see besides its programs. */
  readonly programs?: readonly string[]
}

const rootAlone = { canBecome: (id: number) => id === 0, canSetGroups: false }

/** Who is asked to end: the shim hands it on, but script(1), which stands between at a terminal, would lose the exit code. */
const mainOf = async ({ process: { pid }, tty }: ProcessContainer): Promise<number> => {
  const [shim = pid, _script, command = shim] = tty ? await familyOf(pid) : [pid]
  return command
}

export const createProcessRuntime = (options: ProcessRuntimeOptions): Runtime => {
  const { stateDir, clock = systemClock } = options
  const programs = [...podwayPrograms, ...(options.programs ?? [])]
  const store = createStateStore(stateDir, isProcessContainer)
  const settings = createSettings({ folder: store.settingsDir, mounted: store.mounted, clock })
  const placeOf = ({ container, sandbox, process }: RunningContainer<ProcessContainer>): CommandPlace => ({
    ...{ sandbox: process, hostNetwork: sandbox.hostNetwork, envFile: store.envFile(container.id) },
  })

  const kind: ContainerKind<ProcessContainer> = {
    rootOf: async ({ id, mounts: files }) => {
      const place = { root: store.rootOf(id), empty: store.emptyDir, settings: await settings() }
      return { root: compilePodRoot(await readNodeFiles(programs), { ...place, programs, files }) }
    },
    launch: async ({ sandbox, process, spec, container, exitFile, stdinFile, record }) => {
      const { workingDir } = spec
      const whole = { ...container, workingDir, rights: rightsWords(spec, await canSetGroups()) }
      const envFile = store.envFile(container.id)
      await store.saveEnv(container.id, renderEnvFile(spec.env))
      const place = { sandbox: process, hostNetwork: sandbox.hostNetwork, envFile, exitFile, stdinFile }
      return launchContainer(spec, place, whole, (shim) => record({ ...whole, process: shim }))
    },
    stop: async (container) => {
      signalProcess(await mainOf(container), 'SIGTERM')
    },
    commands: {
      prepare: async (running, command, { tty, input }) => {
        const place = placeOf(running)
        if (tty) return { words: terminalWords(running.container, place, command) }
        return { words: execWords(running.container, place, command, input ? 'pipe' : '') }
      },
      // With the rights of the container.
      sizeWords: (running) => (stty) => execWords(running.container, placeOf(running), stty),
    },
  }

  return {
    ...createShimRuntime(processRuntime, { ...options, kind, store }),
    images: createOwnImages(options.env ?? {}),
    capabilities: { features: new Set(), ...(options.identities ?? rootAlone) },
  }
}
