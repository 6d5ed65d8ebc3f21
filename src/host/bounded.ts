/** A command that gets a limited time and may say a limited amount; whatever it started is killed with it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { killFamily, signalProcess } from './process.ts'

export interface BoundedResult {
  /** 128 + n after a signal; undefined when the time was over. */
  readonly exitCode: number | undefined
  /** The beginning of both output streams together. */
  readonly output: string
}

const signalNumbers: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 }

const drainMs = 200

/** Rejects when the program cannot be started. */
export const runBounded = async (
  file: string,
  args: readonly string[],
  limits: {
    readonly timeoutMs: number
    readonly maxOutputBytes: number
    readonly env: Readonly<Record<string, string>>
  },
): Promise<BoundedResult> => {
  const child = spawn(file, args, { detached: true, cwd: '/', env: limits.env, stdio: ['ignore', 'pipe', 'pipe'] })
  const chunks: Buffer[] = []
  let room = limits.maxOutputBytes
  const keep = (chunk: Buffer): void => {
    if (room > 0) chunks.push(chunk.subarray(0, room))
    room -= chunk.length
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  await once(child, 'spawn')
  const killGroup = () => child.pid !== undefined && signalProcess(-child.pid, 'SIGKILL')
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    // What it has started may have left its group. When that cannot be looked for, the group is what remains.
    const kill = child.pid === undefined ? Promise.resolve() : killFamily(child.pid)
    void kill.catch(() => undefined).then(killGroup)
  }, limits.timeoutMs)
  const closed = once(child, 'close')
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  clearTimeout(timer)
  killGroup()
  // What was said is still on its way. A process that has left the group may keep the streams open: it is not waited for.
  const enough = new AbortController()
  await Promise.race([closed, pause(drainMs, undefined, { signal: enough.signal }).catch(() => undefined)])
  enough.abort()
  child.stdout.destroy()
  child.stderr.destroy()
  const output = Buffer.concat(chunks).toString('utf8')
  return { exitCode: isLate ? undefined : (code ?? 128 + (signalNumbers[signal ?? ''] ?? 0)), output }
}
