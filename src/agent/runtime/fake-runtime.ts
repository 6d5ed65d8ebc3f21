/**
 * A runtime for tests, strict where the real ones are. It knows a few commands: `sleep N` runs until a signal ends it,
 * `sh -c 'exit N'` ends at once, whatever begins with `/no/` cannot be run, all others run until they are told to end.
 */
import { PassThrough } from 'node:stream'
import { aborted, type Clock } from '../../api/clock.ts'
import type { Usage } from '../usage/usage.ts'
import type { Capabilities } from './capabilities.ts'
import { type ContainerExit, type ContainerRecord, type ContainerSpec, targetIn } from './containers.ts'
import { createFakeImages, type FakeImages } from './fake-images.ts'
import { byNameAndAttempt, containerId, sandboxOf } from './ids.ts'
import { createOwnImages } from './own-images.ts'
import type { OnChange, Runtime } from './runtime.ts'
import type { SandboxRecord, SandboxSpec } from './sandboxes.ts'
import type { ExecResult, RunningCommand } from './streams.ts'

export interface HangingStarts {
  /** The sandboxes whose container has begun to hang. */
  readonly sandboxes: readonly string[]
  release(): void
}

export interface FakeRuntime extends Runtime {
  /** What `images` are where the fake has the feature. */
  readonly registry: FakeImages
  /** Every call that changed something, as `start-container web_main_0`, `signal web_main_0 TERM`, … */
  readonly calls: readonly string[]
  /** The spec a container was started with. */
  specOf(container: string): ContainerSpec | undefined
  sandboxSpecOf(id: string): SandboxSpec | undefined
  /** The container ends by itself. */
  finish(container: string, code: number, oomKilled?: boolean): void
  /** The sandbox's first process dies, and everything with it. */
  die(sandbox: string): void
  /** What `exec` answers from now on; exit code 0 without output at first. */
  onExec(answer: (container: string, command: readonly string[]) => ExecResult | Promise<ExecResult>): void
  /** Containers of this name ignore TERM from now on. */
  ignoreTerm(name: string): void
  /** From now on containers of this name hang at their start, until they are released. */
  hangStarts(name: string): HangingStarts
  /** The next call of this kind throws. */
  failNext(call: 'start-sandbox' | 'start-container' | 'end', error: Error): void
}

/** `cat` gives back what it gets; of others the words are said, and `exit N` is obeyed. */
const playCommand = (command: readonly string[]): RunningCommand => {
  const over = Promise.withResolvers<number>()
  const stdin = new PassThrough()
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const end = (code: number): void => {
    stdout.end()
    stderr.end()
    over.resolve(code)
  }
  if (command[0] === 'cat') {
    stdin.pipe(stdout, { end: false })
    stdin.once('end', () => end(0))
  } else {
    stdout.write(`${command.join(' ')}\n`)
    end(command[0] === 'exit' ? Number(command[1]) : 0)
  }
  return { stdin, stdout, stderr, ended: over.promise, resize: () => undefined, kill: async () => end(137) }
}

/** A tenth of a CPU, and a megabyte. */
const usageAfter = (ms: number): Usage => ({
  ...{ cpuNanoseconds: ms * 100_000, processes: 1 },
  memory: { usageBytes: 2 ** 20, workingSetBytes: 2 ** 20, rssBytes: 2 ** 19, pageFaults: 0, majorPageFaults: 0 },
})

export interface FakeRuntimeOptions {
  readonly clock: Clock
  readonly onChange: OnChange
  readonly name?: string
  readonly features?: Capabilities['features']
  readonly hasHandlers?: boolean
}

export const createFakeRuntime = (options: FakeRuntimeOptions): FakeRuntime => {
  const { clock, onChange, name: runtimeName = 'fake', features = new Set(), hasHandlers = false } = options
  const sandboxes = new Map<string, SandboxRecord>()
  const specs = new Map<string, ContainerSpec>()
  const sandboxSpecs = new Map<string, SandboxSpec>()
  const registry = createFakeImages()
  const calls: string[] = []
  const stubborn = new Set<string>()
  const failures = new Map<string, Error>()
  const hanging = new Map<string, { readonly sandboxes: string[]; readonly released: Promise<void> }>()
  let answer: (container: string, command: readonly string[]) => ExecResult | Promise<ExecResult> = () => ({
    exitCode: 0,
    output: '',
  })
  let pids = 1000

  const note = (call: string, subject: string): void => {
    const failure = failures.get(call)
    failures.delete(call)
    if (failure) throw failure
    calls.push(`${call} ${subject}`)
  }

  const exit = (code: number, oomKilled = false): ContainerExit => ({ code, oomKilled, finishedAt: clock.now() })

  const change = (id: string, edit: (container: ContainerRecord) => ContainerRecord): void => {
    const sandbox = sandboxes.get(sandboxOf(id))
    if (!sandbox) throw new Error(`fake runtime: no sandbox for ${id}`)
    const containers = sandbox.containers.map((each) => (each.id === id ? edit(each) : each))
    sandboxes.set(sandbox.id, { ...sandbox, containers })
  }

  const runningOf = (id: string): ContainerRecord | undefined =>
    sandboxes.get(sandboxOf(id))?.containers.find((each) => each.id === id && !each.exit)

  const checkRunning = (id: string): void => {
    if (!runningOf(id)) throw new Error(`container ${id} does not run`)
  }

  const finish = (id: string, code: number, oomKilled = false): void => {
    if (!runningOf(id)) throw new Error(`fake runtime: ${id} does not run`)
    change(id, (container) => ({ ...container, exit: exit(code, oomKilled) }))
    onChange(sandboxOf(id))
  }

  const killAll = (sandbox: SandboxRecord): SandboxRecord => ({
    ...sandbox,
    running: false,
    pid: 0,
    containers: sandbox.containers.map((each) => ({ ...each, exit: each.exit ?? exit(137) })),
  })

  /** How a command behaves at its start. */
  const firstExit = (command: readonly string[]): ContainerExit | undefined => {
    const [program = ''] = command
    if (program.startsWith('/no/'))
      return { ...exit(128), startError: `exec: "${program}": executable file not found in $PATH` }
    const code = /^sh -c exit (\d+)$/.exec(command.join(' '))?.[1]
    return code === undefined ? undefined : exit(Number(code))
  }

  return {
    calls,
    finish,
    specOf: (id) => specs.get(id),
    sandboxSpecOf: (id) => sandboxSpecs.get(id),
    onExec: (next) => {
      answer = next
    },
    ignoreTerm: (name) => void stubborn.add(name),
    hangStarts: (name) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const held = { sandboxes: [], released: promise }
      hanging.set(name, held)
      const release = (): void => {
        hanging.delete(name)
        resolve()
      }
      return { sandboxes: held.sandboxes, release }
    },
    failNext: (call, error) => void failures.set(call, error),
    die: (id) => {
      const sandbox = sandboxes.get(id)
      if (!sandbox?.running) throw new Error(`fake runtime: sandbox ${id} does not run`)
      sandboxes.set(id, killAll(sandbox))
      onChange(id)
    },

    name: runtimeName,
    hasHandlers,
    registry,
    images: features.has('images') ? registry : createOwnImages({ PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }),
    capabilities: { features, canBecome: (id) => id === 0, canSetGroups: false },
    run: aborted,
    stats: {
      writableOf: () => undefined,
      read: async () =>
        new Map(
          [...sandboxes.values()]
            .flatMap(({ containers }) => containers.filter(({ exit: ended }) => !ended))
            .map(({ id, startedAt }) => [id, usageAfter(clock.now() - startedAt)]),
        ),
    },

    sandboxes: {
      list: async () => [...sandboxes.values()],

      start: async (spec) => {
        const dead = sandboxes.get(spec.id)
        if (dead?.running) throw new Error(`sandbox ${spec.id} is running`)
        note('start-sandbox', spec.id)
        const { id, namespace, name, hostNetwork, labels } = spec
        const containers = dead?.containers ?? []
        const known = { id, namespace, name, runtime: runtimeName, hostNetwork, labels, containers }
        const sandbox = { ...known, running: true, pid: pids++ }
        sandboxSpecs.set(id, spec)
        sandboxes.set(id, sandbox)
        return sandbox
      },

      end: async (id, records) => {
        const sandbox = sandboxes.get(id)
        if (!sandbox) return
        note('end', `${id} ${records}`)
        if (records === 'forget') sandboxes.delete(id)
        else sandboxes.set(id, killAll(sandbox))
      },
    },

    containers: {
      start: async (sandboxId, spec) => {
        const held = hanging.get(spec.name)
        held?.sandboxes.push(sandboxId)
        await held?.released
        const sandbox = sandboxes.get(sandboxId)
        if (!sandbox?.running) throw new Error(`sandbox ${sandboxId} does not run`)
        const id = containerId(sandboxId, spec.name, spec.attempt)
        if (specs.has(id)) throw new Error(`container ${id} was started before`)
        if (spec.target !== undefined) targetIn(sandbox.containers, spec.target)
        note('start-container', id)
        const ended = firstExit(spec.command)
        const { name, attempt, image, logFile, labels } = spec
        const record = {
          ...{ id, name, attempt, logFile, labels },
          ...(image && { image }),
          startedAt: clock.now(),
          ...(ended && { exit: ended }),
        }
        const kept = sandbox.containers.filter((each) => each.name !== name || each.attempt >= attempt - 1)
        specs.set(id, spec)
        sandboxes.set(sandboxId, { ...sandbox, containers: [...kept, record].sort(byNameAndAttempt) })
        if (ended) queueMicrotask(() => onChange(sandboxId))
        return record
      },

      signal: async (id, signal) => {
        const running = runningOf(id)
        if (!running) return
        note('signal', `${id} ${signal}`)
        if (signal === 'KILL') finish(id, 137)
        else if (!stubborn.has(running.name)) finish(id, 143)
      },
    },

    streams: {
      exec: async (id, command) => {
        checkRunning(id)
        return answer(id, command)
      },
      open: async (id, command) => {
        checkRunning(id)
        return playCommand(command)
      },
      attach: async (id) => {
        checkRunning(id)
        return { stdin: new PassThrough().resume(), resize: () => undefined }
      },
    },
  }
}
