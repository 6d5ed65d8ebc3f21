/** The processes of one measurement: where they run, and their end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCommandRunner } from '../../../../src/host/command.ts'
import { until } from '../../../support/until.ts'

/** The proxy that is measured has a core of its own; all that stands around it shares the other. */
export type Core = 'proxy' | 'around'

export const isShared = availableParallelism() < 2

const onCore = (core: Core): readonly string[] => (isShared ? [] : ['taskset', '-c', core === 'proxy' ? '0' : '1'])

export interface Program {
  readonly pid: number
  stop(): Promise<void>
}

/** A program of ours that is told what to do. */
export interface Helper extends Program {
  /** Resolves to its answer. */
  ask(question: object): Promise<unknown>
}

export interface Lab {
  readonly folder: string
  /** Writes a file of the folder; returns its path. */
  write(name: string, content: string | Buffer): Promise<string>
  /** Runs a program to its end; returns what it says. */
  run(words: readonly string[]): Promise<string>
  /** Starts a server; resolves when it accepts connections at this port of 127.0.0.1. */
  start(core: Core, words: readonly string[], port: number): Promise<Program>
  /** Starts a file of this folder. It gets `options`, and resolves to the first that it says. */
  help<T>(core: Core, file: string, options: object): Promise<Helper & { readonly said: T }>
  /** Ends everything. */
  close(): Promise<void>
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => {
      resolve(true)
      socket.destroy()
    })
    socket.on('error', () => resolve(false))
  })

const ended = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

const programOf = (child: ChildProcess): Program => ({
  pid: child.pid ?? 0,
  stop: async () => {
    if (ended(child)) return
    child.kill()
    await once(child, 'exit')
  },
})

const startHelper = async <T>(core: Core, file: string, options: object) => {
  const path = join(import.meta.dirname, file)
  const words = [...onCore(core), process.execPath, ...process.execArgv, path, JSON.stringify(options)]
  const child = spawn(words[0] ?? '', words.slice(1), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const asked: PromiseWithResolvers<unknown>[] = []
  child.on('message', (said) => asked.shift()?.resolve(said))
  child.on('exit', () => {
    for (const each of asked.splice(0)) each.reject(new Error(`${file} has ended`))
  })
  const answer = (): Promise<unknown> => {
    const heard = Promise.withResolvers<unknown>()
    asked.push(heard)
    return heard.promise
  }
  const said = (await answer()) as T
  const ask = (question: object): Promise<unknown> => {
    const heard = answer()
    child.send(question)
    return heard
  }
  return { ...programOf(child), ask, said }
}

export const openLab = async (): Promise<Lab> => {
  const folder = await mkdtemp(join(tmpdir(), 'podway-bench-'))
  const runner = createCommandRunner()
  const programs: Program[] = []
  const write = async (name: string, content: string | Buffer): Promise<string> => {
    const file = join(folder, name)
    await writeFile(file, content)
    return file
  }
  return {
    folder,
    write,
    run: (words) => {
      const [file = '', ...args] = [...onCore('around'), ...words]
      return runner.run(file, args)
    },
    start: async (core, words, port) => {
      const [file = '', ...args] = [...onCore(core), ...words]
      const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'] })
      const program = programOf(child)
      programs.push(program)
      await until(() => {
        if (ended(child)) throw new Error(`${words[0]} has ended`)
        return accepts(port)
      }, words[0] ?? '')
      return program
    },
    help: async <T>(core: Core, file: string, options: object) => {
      const helper = await startHelper<T>(core, file, options)
      programs.push(helper)
      return helper
    },
    close: async () => {
      await Promise.all(programs.map((program) => program.stop()))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const childrenOf = async (pid: number): Promise<readonly number[]> => {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.split(' ').flatMap((each) => (each === '' ? [] : [Number(each)]))
}

/** The kernel counts in hundredths of a second. */
const tickMicros = 10_000

/** Processor time that a process and those it has started have used, in microseconds. */
export const processorMicros = async (pid: number): Promise<number> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number)
  const more = await Promise.all((await childrenOf(pid)).map(processorMicros))
  return more.reduce((sum, each) => sum + each, (user + system) * tickMicros)
}

/** Resident memory of a process and of those it has started, in bytes. */
export const residentBytes = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const own = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024
  const more = await Promise.all((await childrenOf(pid)).map(residentBytes))
  return more.reduce((sum, each) => sum + each, own)
}

/** How many files a process may have open at most. */
export const fileLimit = async (): Promise<number> =>
  Number(/Max open files\s+\d+\s+(\d+)/.exec(await readFile('/proc/self/limits', 'utf8'))?.[1] ?? 1024)
