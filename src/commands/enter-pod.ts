import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { containerDefaults } from '../agent/env/defaults.ts'
import { rightsWords } from '../agent/runtime/process/rights.ts'
import { runtimeDirs } from '../agent/runtime/runtime-names.ts'
import { createStateStore, isAnyContainer } from '../agent/runtime/shared/state.ts'
import { canSetGroups } from '../host/id-map.ts'
import { enterProcess } from '../host/namespaces.ts'
import { toldWords } from '../host/told-words.ts'
import { packageRoot } from './self.ts'

/** Of the caller's environment a pod gets to know the terminal. */
const podEnv = (): readonly string[] => {
  const all = { ...containerDefaults(packageRoot), TERM: process.env['TERM'] ?? 'dumb' }
  return Object.entries(all).map(([name, value]) => `${name}=${value}`)
}

/** Until the node's rights are left behind, only programs are found that no pod can replace. */
const nodePath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Runs a command in a pod on this node, with the rights of its containers. */
export const enterPod = async (pod: string, command: readonly string[], stateDir: string): Promise<void> => {
  const [namespace, name] = pod.includes('/') ? pod.split('/', 2) : ['default', pod]
  const stores = runtimeDirs(stateDir).map((folder) => createStateStore(folder, isAnyContainer))
  const sandboxes = (await Promise.all(stores.map((store) => store.load()))).flat()
  const found = sandboxes.find(({ spec, process }) => process && spec.namespace === namespace && spec.name === name)
  if (!found?.process) throw new Error(`pod ${namespace}/${name} does not run on this node`)
  const [file, ...args] = enterProcess(found.process.pid, ['net', 'mount', 'uts', 'ipc', 'pid'])
  const inside = ['setpriv', ...rightsWords({}, await canSetGroups()), 'env', ...podEnv(), ...toldWords(command)]
  const child = spawn(file, [...args, ...inside], { stdio: 'inherit', env: { PATH: nodePath } })
  const [code, signal] = await once(child, 'exit')
  process.exitCode = signal ? 1 : code
}
