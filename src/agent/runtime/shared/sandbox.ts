/** Starting the process that holds the namespaces of a pod. */
import { fileURLToPath } from 'node:url'
import { startDetached } from '../../../host/detached.ts'
import type { SandboxSpec } from '../sandboxes.ts'
import { answerTimeoutMs, complaint, identified, orKill, toolEnv } from './begin.ts'
import type { SandboxProcess } from './state.ts'

const script = fileURLToPath(new URL('./sandbox.sh', import.meta.url))

const namespacesOf = ({ hostNetwork, hostIPC, hostPID }: SandboxSpec): readonly string[] => [
  ...(hostNetwork ? [] : ['--net', '--uts']),
  ...(hostIPC ? [] : ['--ipc']),
  ...(hostPID ? [] : ['--pid']),
]

export interface SandboxLaunch {
  /** Holds what the pod's root is made from. */
  readonly folder: string
  /** `folder` tells of mounts that the containers share and the root does not have: they are held by a process of their own. */
  readonly hasSharedMounts: boolean
  /** Notes down the first process in the namespaces before it goes on. */
  readonly record: (process: SandboxProcess) => Promise<void>
}

/** Makes the pod's namespaces, and its root. */
export const launchSandbox = async (
  spec: SandboxSpec,
  { folder, hasSharedMounts, record }: SandboxLaunch,
): Promise<{ readonly process: SandboxProcess; readonly ended: Promise<void> }> => {
  const hostname = spec.hostNetwork ? '' : spec.hostname
  // What is mounted or unmounted on the node later is so for the pod's volumes, too.
  const mounts = hasSharedMounts ? ['--mount', '--propagation', 'slave'] : ['--mount']
  const words = [...namespacesOf(spec), ...mounts, '--fork', 'sh', script, hostname, folder]
  const child = await startDetached('unshare', [...words, hasSharedMounts ? 'shared' : ''], { env: toolEnv() })
  return orKill(child, async () => {
    const line = await child.readLine(answerTimeoutMs)
    const pid = /^pid (\d+)$/.exec(line ?? '')?.[1]
    if (pid === undefined) throw new Error(`cannot make the pod's namespaces: ${await complaint(child, line)}`)
    const first = await identified(Number(pid), 'the sandbox')
    const process = hasSharedMounts ? { ...first, holder: await identified(child.pid, 'the sandbox') } : first
    await record(process)
    child.send('go')
    return { process, ended: child.ended }
  })
}
