/**
 * The processes of pods that are on no record: their files were lost while they ran. They are known by their command lines,
 * which name the runtime's own files, and are ended, so that nothing runs unseen.
 */
import { readdir, readFile } from 'node:fs/promises'
import { killFamily, type ProcessId, signalProcess } from '../../../host/process.ts'
import { sandboxOf } from '../ids.ts'

/** What is on record. */
interface Known {
  readonly spec: { readonly id: string }
  readonly process: ProcessId | undefined
  readonly containers: ReadonlyMap<string, { readonly process: ProcessId; readonly exit?: unknown }>
}

/** Whose process a command line is: of a container's shim, or the first of a sandbox. Undefined: none of this runtime's. */
const roleOf = (
  stateDir: string,
  words: readonly string[],
): { readonly sandbox: string; readonly container?: string } | undefined => {
  const isScript = (name: string): boolean => words.some((word) => word.endsWith(`/${name}`))
  if (isScript('shim.sh')) {
    const prefix = `${stateDir}/exits/`
    const container = words.find((word) => word.startsWith(prefix))?.slice(prefix.length)
    return container ? { sandbox: sandboxOf(container), container } : undefined
  }
  if (isScript('sandbox.sh')) {
    const prefix = `${stateDir}/sandboxes/`
    const sandbox = words
      .find((word) => word.startsWith(prefix))
      ?.slice(prefix.length)
      .split('/')[0]
    return sandbox ? { sandbox } : undefined
  }
  return undefined
}

const commandLineOf = async (pid: number): Promise<readonly string[]> => {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}

/** Ends what is not among `known`; a sentence for each pod or container it was of. */
export const endStrays = async (stateDir: string, known: readonly Known[]): Promise<readonly string[]> => {
  const byId = new Map(known.map((sandbox) => [sandbox.spec.id, sandbox]))
  const ended = new Set<string>()
  for (const entry of await readdir('/proc')) {
    const pid = Number(entry)
    const role = Number.isInteger(pid) ? roleOf(stateDir, await commandLineOf(pid)) : undefined
    if (!role) continue
    const sandbox = byId.get(role.sandbox)
    const recorded = role.container === undefined ? sandbox : sandbox?.containers.get(role.container)
    // The parents and children of a recorded process may show its command line: they end with it.
    if (recorded?.process) continue
    // The first process of a sandbox takes all in it along; a shim leads the group of its container.
    if (role.container === undefined) signalProcess(pid, 'SIGKILL')
    else {
      await killFamily(pid)
      signalProcess(-pid, 'SIGKILL')
    }
    ended.add(role.container ?? role.sandbox)
  }
  return [...ended].sort().map((id) => `processes of ${id} ran without being on record: ended`)
}
