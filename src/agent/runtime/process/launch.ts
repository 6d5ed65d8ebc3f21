/** The words that start a command in a pod of processes, and what is said while that happens. */
import { closeSync, openSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startDetached } from '../../../host/detached.ts'
import { enterProcess } from '../../../host/namespaces.ts'
import type { ProcessId } from '../../../host/process.ts'
import { shellWord } from '../../../host/shell-word.ts'
import type { ContainerSpec } from '../containers.ts'
import { answerTimeoutMs, complaint, identified, orKill, toolEnv } from '../shared/begin.ts'
import type { Launched } from '../shared/shim-runtime.ts'
import type { StoredContainer } from '../shared/state.ts'

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** A container as kept. */
export interface ProcessContainer extends StoredContainer {
  readonly workingDir: string
  /** Words for setpriv(1). */
  readonly rights: readonly string[]
}

export const isProcessContainer = (container: StoredContainer): container is ProcessContainer =>
  'rights' in container && Array.isArray(container.rights)

/** The words that lead into a pod, and leave the rights of the node behind: what a command of the pod begins with. */
export const enterWords = (sandbox: ProcessId, hostNetwork: boolean, rights: readonly string[]): readonly string[] => {
  const own = hostNetwork ? (['ipc', 'mount'] as const) : (['net', 'ipc', 'uts', 'mount'] as const)
  const [_nsenter, ...words] = enterProcess(sandbox.pid, own)
  return [...words, 'setpriv', ...rights]
}

/** The text of the last step, which runs as whoever the container runs as. */
const start = readFileSync(script('./start.sh'), 'utf8')

/** A terminal of the pod's own. script(1) echoes nothing by itself when nobody types at a terminal: the new one does. */
const terminalStart = 'exec script --quiet --return --flush --command "$1" /dev/null'

/** The words of start.sh, for script(1). */
const terminalText = (role: 'container' | 'exec', words: readonly string[]): string =>
  `stty echo; export TERM=xterm; exec sh -c ${[start, role, ...words].map(shellWord).join(' ')}`

/** Where a command beside a container runs. */
export interface CommandPlace {
  readonly sandbox: ProcessId
  readonly hostNetwork: boolean
  readonly envFile: string
}

export interface ContainerLaunch extends CommandPlace {
  readonly exitFile: string
  /** A FIFO; empty for none. */
  readonly stdinFile: string
}

/** Starts the command under its shim, once `record` has noted that down. */
export const launchContainer = async (
  spec: ContainerSpec,
  { sandbox, hostNetwork, exitFile, envFile, stdinFile }: ContainerLaunch,
  { cgroups, rights }: Pick<ProcessContainer, 'cgroups' | 'rights'>,
  record: (process: ProcessId) => Promise<void>,
): Promise<Launched> => {
  // Without a fork only children get a pid of the pod: the shim stays out of it.
  const [file, ...words] = enterProcess(sandbox.pid, ['pid'])
  const shim = [script('./shim.sh'), exitFile, envFile, stdinFile, cgroups.join(' ')]
  const said = [spec.workingDir, ...spec.command]
  const begin = spec.tty ? [terminalStart, terminalText('container', said)] : [start, ...said]
  const inside = [enterWords(sandbox, hostNetwork, rights).join(' '), ...begin]
  const output = openSync(spec.logFile, 'a', 0o640)
  const child = await startDetached(file, ['--no-fork', ...words, 'sh', ...shim, ...inside], {
    output,
    env: toolEnv(),
  }).finally(() => closeSync(output))
  return orKill(child, async () => {
    await record(await identified(child.pid, `container ${spec.name}`))
    child.send('go')
    const answer = await child.readLine(answerTimeoutMs)
    if (answer === 'started') return { startError: undefined, ended: child.ended }
    const why = /^failed (.*)$/.exec(answer ?? '')?.[1]
    if (why === undefined) throw new Error(`cannot start container ${spec.name}: ${await complaint(child, answer)}`)
    return { startError: why, ended: child.ended }
  })
}

/** How a command beside a container gets its stdin: as it is, or through a pipe that it can open a second time. */
type Input = '' | 'pipe'

const execScript = (
  container: ProcessContainer,
  { sandbox, hostNetwork, envFile }: CommandPlace,
  input: Input,
): readonly string[] => {
  const enter = ['--pid', ...enterWords(sandbox, hostNetwork, container.rights)].join(' ')
  return [script('./exec.sh'), input, envFile, container.cgroups.join(' '), enter]
}

/** The words that run a command beside a container. */
export const execWords = (
  container: ProcessContainer,
  place: CommandPlace,
  command: readonly string[],
  input: Input = '',
): readonly [string, ...string[]] => [
  'sh',
  ...execScript(container, place, input),
  start,
  container.workingDir,
  ...command,
]

/**
 * The words that run a command beside a container, at a terminal. script(1) of util-linux makes it, as unshare(1), nsenter(1)
 * and setpriv(1) of the same make the rest: Node cannot, and nothing has to be compiled.
 */
export const terminalWords = (
  container: ProcessContainer,
  place: CommandPlace,
  command: readonly string[],
): readonly [string, ...string[]] => {
  const text = terminalText('exec', [container.workingDir, ...command])
  return ['sh', ...execScript(container, place, ''), terminalStart, text]
}
