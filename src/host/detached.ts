/**
 * Processes that outlive us. Each starts in a session of its own and talks with its starter over descriptor 3 until it
 * is released: the starter can note down who it is before it lets it go on.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'

export interface DetachedProcess {
  readonly pid: number
  /** Resolves when the process has ended, if we are still here to see it. */
  readonly ended: Promise<void>
  /** The next line it says on the channel; undefined when it has closed it. Rejects after `timeoutMs`. */
  readLine(timeoutMs: number): Promise<string | undefined>
  send(line: string): void
  /** Closes the channel. The process neither keeps us alive nor notices our end. */
  release(): void
}

export interface DetachOptions {
  /** A descriptor that both output streams go to; discarded when missing. */
  readonly output?: number
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>
}

const lineReader = (channel: Duplex) => {
  let text = ''
  let over = false
  let wake: (() => void) | undefined
  channel.setEncoding('utf8')
  channel.on('data', (chunk: string) => {
    text += chunk
    wake?.()
  })
  const close = () => {
    over = true
    wake?.()
  }
  // A process that is killed resets the channel: that is its end, too.
  channel.on('end', close).on('close', close).on('error', close)
  const take = (): string | undefined => {
    const end = text.indexOf('\n')
    if (end < 0 && !over) return undefined
    const line = end < 0 ? text : text.slice(0, end)
    text = end < 0 ? '' : text.slice(end + 1)
    return line
  }
  return async (timeoutMs: number): Promise<string | undefined> => {
    const signal = AbortSignal.timeout(timeoutMs)
    while (!text.includes('\n') && !over) {
      signal.throwIfAborted()
      await new Promise<void>((resolve) => {
        wake = resolve
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    }
    return take() || (over ? undefined : '')
  }
}

/** Starts `file` in the folder `/`. Rejects when it cannot be started. */
export const startDetached = async (
  file: string,
  args: readonly string[],
  { output, env }: DetachOptions,
): Promise<DetachedProcess> => {
  const stream = output ?? 'ignore'
  const child: ChildProcess = spawn(file, args, {
    detached: true,
    cwd: '/',
    env,
    stdio: ['ignore', stream, stream, 'pipe'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await once(child, 'spawn')
  const channel = child.stdio[3] as Duplex
  const readLine = lineReader(channel)
  if (child.pid === undefined) throw new Error(`${file} was started but has no pid`)
  return {
    pid: child.pid,
    ended,
    readLine,
    send: (line) => void channel.write(`${line}\n`),
    release: () => {
      channel.destroy()
      child.unref()
    },
  }
}
