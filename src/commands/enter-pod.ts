import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createStateStore } from '../agent/runtime/process/state.ts'
import { enterProcess } from '../host/namespaces.ts'

/** Runs a command in the namespaces of a pod on this node. */
export const enterPod = async (pod: string, command: readonly string[], stateDir: string): Promise<void> => {
  const [namespace, name] = pod.includes('/') ? pod.split('/', 2) : ['default', pod]
  const sandboxes = await createStateStore(join(stateDir, 'runtime')).load()
  const found = sandboxes.find(({ spec, process }) => process && spec.namespace === namespace && spec.name === name)
  if (!found?.process) throw new Error(`pod ${namespace}/${name} does not run on this node`)
  const [file, ...args] = enterProcess(found.process.pid, ['net', 'mount', 'uts', 'ipc', 'pid'])
  const child = spawn(file, [...args, ...command], { stdio: 'inherit' })
  const [code, signal] = await once(child, 'exit')
  process.exitCode = signal ? 1 : code
}
