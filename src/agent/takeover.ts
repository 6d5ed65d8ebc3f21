/**
 * Which process runs which part of a node. The one that claims a part last has it: it may start beside the others, asks
 * them to release theirs, and ends those that do not. A claim is a file `PART.PID.json`, and each process has a socket
 * `PID.sock` beside it, at which others ask: `release PART`, answered by the end of the connection once the part has ended.
 */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { aborted, sleep } from '../api/clock.ts'
import { jsonOf, readOrSetAside } from '../host/durable-file.ts'
import { writeFileAtomic } from '../host/files.ts'
import type { Logger } from '../host/log.ts'
import { identify, isRunning, type ProcessId, signalProcess } from '../host/process.ts'
import { listenAtPath } from '../host/socket-file.ts'

export interface Claim {
  /** Aborts when another process takes the part. */
  readonly signal: AbortSignal
  /** Whether another process has the part now. */
  hasOthers(): Promise<boolean>
  /** Resolves when no other process runs the part: they were asked, or ended. A newer claim aborts this one instead. */
  replaceOthers(): Promise<void>
  /** The part has ended here. */
  end(): Promise<void>
}

export interface Takeover {
  claim(part: string): Promise<Claim>
  close(): Promise<void>
}

/** A part that ends politely has this long, and so has a process. */
const defaultGraceMs = 15_000
const pollMs = 50

interface Claimed extends ProcessId {
  /** When it was claimed, by the machine's monotonic clock: the latest counts. */
  readonly at: string
}

const isClaimed = (value: unknown): value is Claimed =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Claimed).pid === 'number' &&
  (value as Claimed).pid > 1 &&
  typeof (value as Claimed).startTime === 'string' &&
  /^\d+$/.test((value as Claimed).at)

const isNewer = (a: Claimed, b: Claimed): boolean =>
  BigInt(a.at) === BigInt(b.at) ? a.pid > b.pid : BigInt(a.at) > BigInt(b.at)

/** Asks the process at this socket to release the part. Resolves when the connection has ended, rejects when there is none. */
const askToRelease = (socketPath: string, part: string, graceMs: number): Promise<void> => {
  const ended = Promise.withResolvers<void>()
  const socket = connect(socketPath)
  socket.setTimeout(graceMs, () => socket.destroy())
  socket.once('connect', () => socket.write(`release ${part}\n`))
  socket.once('error', ended.reject)
  socket.once('close', () => ended.resolve())
  socket.resume()
  return ended.promise
}

interface Held {
  readonly taken: AbortController
  readonly ended: PromiseWithResolvers<void>
}

/** Opens this process' socket. `graceMs`: see above. */
export const openTakeover = async (stateDir: string, log: Logger, graceMs = defaultGraceMs): Promise<Takeover> => {
  const folder = join(stateDir, 'takeover')
  const self = await identify(process.pid)
  if (!self) throw new Error('/proc does not show this process')
  const held = new Map<string, Held>()
  const socketOf = (pid: number): string => join(folder, `${pid}.sock`)
  const fileOf = (part: string, pid: number): string => join(folder, `${part}.${pid}.json`)

  const release = async (part: string): Promise<void> => {
    const found = held.get(part)
    if (!found) return
    log.info({ part }, 'another agent takes this part over')
    found.taken.abort()
    await found.ended.promise
  }
  const serve = (socket: Socket): void => {
    socket.on('error', (error) => log.debug({ err: error }, 'a successor went away'))
    createInterface({ input: socket }).once('line', (line) => {
      const [, part = ''] = /^release ([a-z]+)$/.exec(line) ?? []
      void release(part).then(() => socket.end())
    })
  }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const server = createServer({ allowHalfOpen: true }, serve)
  const socket = await listenAtPath(server, socketOf(self.pid), (message) => log.warn(message))
  server.unref()

  /** Of processes that were killed. */
  const forgetSockets = async (): Promise<void> => {
    for (const name of await readdir(folder)) {
      const [, pid] = /^(\d+)\.sock$/.exec(name) ?? []
      if (pid !== undefined && !(await identify(Number(pid)))) await rm(join(folder, name), { force: true })
    }
  }
  await forgetSockets()

  /** Undefined when it is not there, damaged, or of a process that has ended. */
  const readClaim = async (part: string, pid: number): Promise<Claimed | undefined> => {
    const file = fileOf(part, pid)
    const found = await readOrSetAside(file, jsonOf('the claim of an agent', isClaimed), (message) => log.warn(message))
    if (found && found.pid === pid && (await isRunning(found))) return found
    await rm(file, { force: true })
    return undefined
  }

  const othersOf = async (part: string): Promise<readonly Claimed[]> => {
    const pids = (await readdir(folder)).flatMap((name) => {
      const [, owner, pid] = /^([a-z]+)\.(\d+)\.json$/.exec(name) ?? []
      return owner === part && Number(pid) !== self.pid ? [Number(pid)] : []
    })
    const found = await Promise.all(pids.map((pid) => readClaim(part, pid)))
    return found.filter((each) => each !== undefined)
  }

  const untilReleased = async (part: string, { pid }: Claimed, ms: number): Promise<boolean> => {
    for (const deadline = Date.now() + ms; await readClaim(part, pid); await sleep(pollMs))
      if (Date.now() > deadline) return false
    return true
  }

  const retire = async (part: string, other: Claimed): Promise<void> => {
    const { pid } = other
    log.info({ pid, part }, 'replacing the running agent')
    await askToRelease(socketOf(pid), part, graceMs).catch((error: unknown) =>
      log.warn({ err: error, pid, part }, 'the running agent cannot be asked'),
    )
    if (!(await readClaim(part, pid))) return
    log.warn({ pid, part }, 'the running agent does not release it: ending that agent')
    signalProcess(pid, 'SIGTERM')
    if (await untilReleased(part, other, graceMs)) return
    log.warn({ pid, part }, 'it does not end: killing it')
    signalProcess(pid, 'SIGKILL')
    await untilReleased(part, other, graceMs)
  }

  return {
    claim: async (part) => {
      const own: Claimed = { ...self, at: String(process.hrtime.bigint()) }
      const mine: Held = { taken: new AbortController(), ended: Promise.withResolvers() }
      held.set(part, mine)
      await writeFileAtomic(fileOf(part, self.pid), JSON.stringify(own))
      return {
        signal: mine.taken.signal,
        hasOthers: async () => (await othersOf(part)).length > 0,
        replaceOthers: async () => {
          const others = await othersOf(part)
          if (others.some((other) => isNewer(other, own))) return mine.taken.abort()
          const retiring = Promise.all(others.map((other) => retire(part, other)))
          await Promise.race([retiring, aborted(mine.taken.signal)])
        },
        end: async () => {
          if (held.get(part) === mine) held.delete(part)
          await rm(fileOf(part, self.pid), { force: true })
          mine.ended.resolve()
        },
      }
    },
    close: async () => {
      await socket.release()
      server.close()
    },
  }
}
