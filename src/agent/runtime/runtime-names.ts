/** The kinds of runtimes that a node can have by itself. Pure. */
import { join } from 'node:path'

export const runtimeNames = ['oci', 'process'] as const
export type RuntimeName = (typeof runtimeNames)[number]

export const isRuntimeName = (name: string): name is RuntimeName => (runtimeNames as readonly string[]).includes(name)

/** And a container runtime of the machine. */
export const nodeRuntimeNames = [...runtimeNames, 'cri'] as const
export type NodeRuntimeName = (typeof nodeRuntimeNames)[number]

export const isNodeRuntimeName = (name: string): name is NodeRuntimeName =>
  (nodeRuntimeNames as readonly string[]).includes(name)

const folders: Readonly<Record<RuntimeName, string>> = { oci: 'oci', process: 'runtime' }

/** Where one keeps what must not outlive a reboot. */
export const runtimeDir = (stateDir: string, name: RuntimeName): string => join(stateDir, folders[name])

export const runtimeDirs = (stateDir: string): readonly string[] =>
  runtimeNames.map((name) => runtimeDir(stateDir, name))
