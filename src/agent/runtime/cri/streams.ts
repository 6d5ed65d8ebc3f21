/** Commands beside the containers of a container runtime, and who talks with them. */
import { type ContainerInput, ExecTimeout, type RunningCommand, type Streams } from '../streams.ts'
import type { CriClient } from './client.ts'
import { isOverdue } from './errors.ts'
import type { FoundContainer } from './inventory.ts'
import { bothOf, talk } from './streaming.ts'

const maxOutputBytes = 10 * 1024
/** For so long the runtime may take to tell that a command took too long. */
const overdueMs = 5_000
const killed = 137

/** `find`: rejects when the container does not run. */
export const createCriStreams = (client: CriClient, find: (id: string) => Promise<FoundContainer>): Streams => ({
  exec: async (id, command, timeoutMs) => {
    const { criId: containerId } = await find(id)
    // Whole seconds are what it can be told; of less it hears when we give up.
    const isWhole = timeoutMs % 1000 === 0
    const request = { containerId, cmd: command, timeout: Math.ceil(timeoutMs / 1000) }
    try {
      const answer = await client.ask('ExecSync', request, { timeoutMs: timeoutMs + (isWhole ? overdueMs : 0) })
      const output = Buffer.concat([answer.stdout, answer.stderr]).subarray(0, maxOutputBytes).toString()
      return { exitCode: answer.exitCode, output }
    } catch (error) {
      throw isOverdue(error) ? new ExecTimeout(command, timeoutMs) : error
    }
  },

  open: async (id, command, { stdin, tty }): Promise<RunningCommand> => {
    const { criId: containerId } = await find(id)
    const wanted = { stdin, stdout: true, stderr: !tty, tty }
    const { url } = await client.ask('Exec', { containerId, cmd: command, ...wanted })
    const opened = await talk(url, wanted)
    const given = Promise.withResolvers<number>()
    opened.ended.then(given.resolve, given.reject)
    given.promise.catch(() => undefined)
    return {
      ...{ stdin: opened.stdin, stdout: opened.stdout, stderr: tty ? undefined : opened.stderr },
      ...{ ended: given.promise, resize: opened.resize },
      kill: async () => {
        given.resolve(killed)
        opened.close()
      },
    }
  },

  attach: async (id): Promise<ContainerInput> => {
    const { criId: containerId, kept } = await find(id)
    const { tty = false } = kept
    const wanted = { stdin: kept.stdin !== undefined, stdout: true, stderr: !tty, tty }
    const { url } = await client.ask('Attach', { containerId, ...wanted })
    const opened = await talk(url, wanted)
    const output = (gone: AbortSignal) => {
      // A container that says something waits for all who listen: who is gone must not be one of them.
      if (gone.aborted) opened.close()
      else gone.addEventListener('abort', opened.close, { once: true })
      return bothOf(opened)
    }
    return { stdin: opened.stdin, output, resize: opened.resize }
  },
})
