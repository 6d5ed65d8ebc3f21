/** All runtimes of a node as one: each pod has one of them, and everything of it is found by its id. */
import type { Logger } from '../../host/log.ts'
import type { Usage } from '../usage/usage.ts'
import { sandboxOf } from './ids.ts'
import type { ListedImage } from './images.ts'
import type { Runtime } from './runtime.ts'
import type { SandboxRecord } from './sandboxes.ts'

export interface Runtimes extends Pick<Runtime, 'sandboxes' | 'containers' | 'streams' | 'stats' | 'run'> {
  /** In the order in which they were given; the first is the one of pods that do not ask for another. */
  readonly all: readonly Runtime[]
  named(name: string): Runtime | undefined
  /** Those of all; of a runtime that does not answer, none. */
  listImages(): Promise<readonly ListedImage[]>
}

/** What a runtime said last: a pod whose runtime does not answer has not vanished. */
interface Known {
  records?: readonly SandboxRecord[]
  failure?: string
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Names are different. While a runtime cannot be asked for its sandboxes, they are as they were when it was asked last. */
export const createRuntimes = (all: readonly [Runtime, ...Runtime[]], log: Logger): Runtimes => {
  const [first] = all
  const known = new Map<Runtime, Known>(all.map((runtime) => [runtime, {}]))
  const owners = new Map<string, Runtime>()

  const named = (name: string): Runtime | undefined => all.find((runtime) => runtime.name === name)

  const listOf = async (runtime: Runtime, last: Known): Promise<readonly SandboxRecord[]> => {
    try {
      last.records = await runtime.sandboxes.list()
      delete last.failure
    } catch (error) {
      if (!last.records) throw error
      if (last.failure !== messageOf(error))
        log.error({ err: error, runtime: runtime.name }, 'runtime does not list its pods; using last known state')
      last.failure = messageOf(error)
    }
    for (const { id } of last.records) owners.set(id, runtime)
    return last.records
  }

  const list = async (): Promise<readonly SandboxRecord[]> =>
    (await Promise.all([...known].map(([runtime, last]) => listOf(runtime, last)))).flat()

  /** Whoever has it; for one that nobody has, the first will say so. */
  const ownerOf = async (sandbox: string): Promise<Runtime> => {
    if (all.length > 1 && !owners.has(sandbox)) await list()
    return owners.get(sandbox) ?? first
  }
  const streamsOf = async (container: string) => (await ownerOf(sandboxOf(container))).streams

  const imagesOf = (runtime: Runtime): Promise<readonly ListedImage[]> =>
    runtime.images.list().catch((error: unknown) => {
      log.warn({ err: error, runtime: runtime.name }, 'runtime does not list its images')
      return []
    })

  /** What cannot be measured is missing, and told of once. */
  const unmeasured = new Map<Runtime, string>()
  const statsOf = async (runtime: Runtime): Promise<readonly (readonly [id: string, usage: Usage])[]> => {
    try {
      const read = [...(await runtime.stats.read())]
      unmeasured.delete(runtime)
      return read
    } catch (error) {
      if (unmeasured.get(runtime) !== messageOf(error))
        log.warn({ err: error, runtime: runtime.name }, 'runtime does not tell what its containers use')
      unmeasured.set(runtime, messageOf(error))
      return []
    }
  }

  return {
    all,
    named,
    listImages: async () => (await Promise.all(all.map(imagesOf))).flat(),
    sandboxes: {
      list,
      start: async (spec) => {
        const runtime = spec.runtime === undefined ? first : named(spec.runtime)
        if (!runtime) throw new Error(`no runtime for ${JSON.stringify(spec.runtime)} is configured`)
        const before = await ownerOf(spec.id)
        // A pod that starts anew in another runtime leaves nothing in the one of before.
        if (before !== runtime) await before.sandboxes.end(spec.id, 'forget')
        owners.set(spec.id, runtime)
        return runtime.sandboxes.start(spec)
      },
      end: async (id, records) => {
        await (await ownerOf(id)).sandboxes.end(id, records)
        if (records === 'forget') owners.delete(id)
      },
    },
    containers: {
      start: async (sandbox, spec) => (await ownerOf(sandbox)).containers.start(sandbox, spec),
      signal: async (id, signal) => (await ownerOf(sandboxOf(id))).containers.signal(id, signal),
      reopenLog: async (id) => (await ownerOf(sandboxOf(id))).containers.reopenLog?.(id),
    },
    streams: {
      exec: async (id, command, timeoutMs) => (await streamsOf(id)).exec(id, command, timeoutMs),
      open: async (id, command, options) => (await streamsOf(id)).open(id, command, options),
      attach: async (id) => (await streamsOf(id)).attach(id),
    },
    stats: {
      read: async () => new Map((await Promise.all(all.map(statsOf))).flat()),
      writableOf: (id) => owners.get(sandboxOf(id))?.stats.writableOf(id),
    },
    run: async (signal) => {
      await Promise.all(all.map((runtime) => runtime.run(signal)))
    },
  }
}
