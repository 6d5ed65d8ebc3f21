/** The OCI runtime programs: which there are, and what their commands are. */
import { join } from 'node:path'
import { type CommandRunner, isCommandMissing } from '../../../host/command.ts'
import { shellWord } from '../../../host/shell-word.ts'

type Words = readonly [string, ...string[]]

/** A container, as a program knows it. */
export interface ContainerPlace {
  readonly id: string
  /** Holds config.json. */
  readonly bundle: string
  /** Where the program keeps what it knows of its containers. */
  readonly state: string
}

export interface Program {
  readonly name: string
  /** Runs the container to its end, and ends with its exit code. */
  run(place: ContainerPlace): Words
  /** Runs a command, told by a file, beside the container. */
  exec(place: ContainerPlace, processFile: string): Words
}

/** In the bundle: what a program says when there was nothing to run, and the pid of what it has started. */
const logName = 'program.log'
export const pidName = 'pid'

const runc: Program = {
  name: 'runc',
  run: ({ id, bundle, state }) => [
    ...(['runc', '--root', state, '--log', join(bundle, logName), '--log-format', 'json', 'run'] as const),
    // Otherwise it would take the control group away before anybody knows that memory ran out there.
    ...['--keep', '--pid-file', join(bundle, pidName), '--bundle', bundle, id],
  ],
  exec: ({ id, state }, file) => ['runc', '--root', state, 'exec', '--process', file, id],
}

const crun: Program = {
  name: 'crun',
  run: ({ id, bundle, state }) => [
    ...(['crun', '--root', state, '--log', `file:${join(bundle, logName)}`, '--log-format', 'json', 'run'] as const),
    ...['--pid-file', join(bundle, pidName), '--bundle', bundle, id],
  ],
  exec: ({ id, state }, file) => ['crun', '--root', state, 'exec', '--process', file, id],
}

/** No program is installed. */
export class NoProgram extends Error {
  override readonly name = 'NoProgram'

  constructor() {
    super('no OCI runtime program on this node, which containers of images need: install runc (or crun)')
  }
}

const isInstalled = async (runner: CommandRunner, { name }: Program): Promise<boolean> => {
  try {
    await runner.run(name, ['--version'])
    return true
  } catch (error) {
    if (isCommandMissing(error)) return false
    throw error
  }
}

/** crun is the smaller one; where control groups are v1, or both, it does not run. Throws `NoProgram`. */
export const findProgram = async (runner: CommandRunner, isCgroup2: boolean): Promise<Program> => {
  for (const program of isCgroup2 ? [crun, runc] : [runc]) if (await isInstalled(runner, program)) return program
  throw new NoProgram()
}

/** At a terminal of the node's, which the program ties to one in the container. */
export const atTerminal = (words: Words): Words => [
  ...(['script', '--quiet', '--return', '--flush', '--command'] as const),
  ...[words.map(shellWord).join(' '), '/dev/null'],
]

/** What is wrong, from the last line of a program's log. */
export const startErrorOf = (line: string): string => {
  const text = messageIn(line) ?? line
  return (
    text.replace(/^(runc|crun) \w+ failed: /, '').replace(/^unable to start container process: /, '') ||
    'it was not started'
  )
}

const messageIn = (line: string): string | undefined => {
  try {
    const said: unknown = JSON.parse(line)
    return typeof said === 'object' && said !== null && 'msg' in said && typeof said.msg === 'string'
      ? said.msg
      : undefined
  } catch {
    return undefined
  }
}
