/** Starting the two kinds of processes of a pod. Each waits for `go`, so that none ever runs that is not on record. */
import { closeSync, openSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type DetachedProcess, startDetached } from '../../../host/detached.ts'
import { enterProcess } from '../../../host/namespaces.ts'
import { identify, type ProcessId, signalProcess } from '../../../host/process.ts'
import { shellWord } from '../../../host/shell-word.ts'
import type { ContainerSpec } from '../containers.ts'
import type { SandboxSpec } from '../sandboxes.ts'
import type { StoredContainer } from './state.ts'

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const answerTimeoutMs = 30_000

/** What programs of ours see; containers get their own environment. */
export const toolEnv = (): Record<string, string> => ({ PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin' })

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

const identified = async (pid: number, what: string): Promise<ProcessId> => {
  const id = await identify(pid)
  if (!id) throw new Error(`${what} died while it was started`)
  return id
}

/** What it says until it says no more, when the first line was not the expected one. */
const complaint = async (child: DetachedProcess, first: string | undefined): Promise<string> => {
  const said = first === undefined ? [] : [first]
  for (
    let line = await child.readLine(answerTimeoutMs);
    line !== undefined;
    line = await child.readLine(answerTimeoutMs)
  )
    said.push(line)
  return said.join('; ') || 'it ended without a word'
}

/** On any failure nothing of the started process is left. */
const orKill = async <T>(child: DetachedProcess, start: () => Promise<T>): Promise<T> => {
  try {
    return await start()
  } catch (error) {
    signalProcess(-child.pid, 'SIGKILL')
    throw error
  } finally {
    child.release()
  }
}

/** Makes the pod's namespaces, and its root from what `folder` holds. `record` notes down the first process in them before it goes on. */
export const launchSandbox = async (
  spec: SandboxSpec,
  folder: string,
  record: (process: ProcessId) => Promise<void>,
): Promise<{ readonly process: ProcessId; readonly ended: Promise<void> }> => {
  const namespaces = spec.hostNetwork ? ['--ipc', '--pid', '--mount'] : ['--net', '--ipc', '--uts', '--pid', '--mount']
  const hostname = spec.hostNetwork ? '' : spec.hostname
  const words = [...namespaces, '--fork', 'sh', script('./sandbox.sh'), hostname, folder]
  const child = await startDetached('unshare', words, { env: toolEnv() })
  return orKill(child, async () => {
    const line = await child.readLine(answerTimeoutMs)
    const pid = /^pid (\d+)$/.exec(line ?? '')?.[1]
    if (pid === undefined) throw new Error(`cannot make the pod's namespaces: ${await complaint(child, line)}`)
    const process = await identified(Number(pid), 'the sandbox')
    await record(process)
    child.send('go')
    return { process, ended: child.ended }
  })
}

/** Where a command beside a container runs. */
export type CommandPlace = Omit<ContainerLaunch, 'exitFile' | 'stdinFile'>

export interface ContainerLaunch {
  readonly sandbox: ProcessId
  readonly hostNetwork: boolean
  readonly exitFile: string
  readonly envFile: string
  /** A FIFO; empty for none. */
  readonly stdinFile: string
}

/** Starts the command under its shim. `startError` is set when there was nothing to run; the shim then ends with 128. */
export const launchContainer = async (
  spec: ContainerSpec,
  { sandbox, hostNetwork, exitFile, envFile, stdinFile }: ContainerLaunch,
  { cgroups, rights }: Pick<StoredContainer, 'cgroups' | 'rights'>,
  record: (process: ProcessId) => Promise<void>,
): Promise<{ readonly startError: string | undefined; readonly ended: Promise<void> }> => {
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
  container: StoredContainer,
  { sandbox, hostNetwork, envFile }: CommandPlace,
  input: Input,
): readonly string[] => {
  const enter = ['--pid', ...enterWords(sandbox, hostNetwork, container.rights)].join(' ')
  return [script('./exec.sh'), input, envFile, container.cgroups.join(' '), enter]
}

/** The words that run a command beside a container. */
export const execWords = (
  container: StoredContainer,
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
  container: StoredContainer,
  place: CommandPlace,
  command: readonly string[],
): readonly [string, ...string[]] => {
  const text = terminalText('exec', [container.workingDir, ...command])
  return ['sh', ...execScript(container, place, ''), terminalStart, text]
}
