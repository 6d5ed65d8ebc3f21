/** Hosts of a test network: network namespaces with a `peer.ts` inside. Only for use inside scripts/universe.sh. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type CommandRunner, createCommandRunner, prefixed } from '../../../src/host/command.ts'
import { enterNetworkFile } from '../../../src/host/namespaces.ts'
import type { Reply } from './peer.ts'

export interface CallOptions {
  readonly protocol?: 'tcp' | 'udp'
  readonly count?: number
  readonly timeoutMs?: number
  /** The port to send from (UDP). */
  readonly from?: number
  /** The address to send from (TCP). */
  readonly source?: string
}

export interface Host {
  readonly name: string
  /** Runs programs in its network namespace. */
  readonly runner: CommandRunner
  /** Connects, `count` times one after another. */
  call(to: string, port: number, options?: CallOptions): Promise<Reply>
  /** Runs a script with Node until `signal` aborts; `onReady` when it prints its first line. */
  serve(script: string, signal: AbortSignal, onReady: () => void): Promise<void>
  /** Ends the process and the namespace. */
  close(): Promise<void>
}

/** The port every host answers on. */
export const peerPort = 8080

const runner = createCommandRunner()

/** Runs iproute2 lines in a namespace, or in the universe's own. */
export const ip = async (lines: readonly string[], within: CommandRunner = runner): Promise<void> => {
  await within.run('ip', ['-batch', '-'], `${lines.join('\n')}\n`)
}

const startPeer = (name: string, ports: readonly number[]): ChildProcess => {
  const [file, ...args] = enterNetworkFile(`/run/netns/${name}`)
  const program = [process.execPath, join(import.meta.dirname, 'peer.ts'), name, ...ports.map(String)]
  return spawn(file, [...args, ...program], { stdio: ['pipe', 'pipe', 'inherit'] })
}

/** Makes a namespace with a host inside, without any link but loopback. */
export const createHost = async (name: string, ports: readonly number[] = [peerPort]): Promise<Host> => {
  await ip([`netns add ${name}`])
  const inside = prefixed(runner, enterNetworkFile(`/run/netns/${name}`))
  // Addresses are usable at once: nobody here has the same.
  await inside.run('sysctl', ['-q', '-w', 'net.ipv6.conf.default.accept_dad=0'])
  await ip(['link set lo up'], inside)
  const child = startPeer(name, ports)
  const ready = Promise.withResolvers<void>()
  const waiting = new Map<number, (reply: Reply) => void>()
  const { stdout, stdin } = child
  if (!stdout || !stdin) throw new Error('the peer has no pipes')
  createInterface({ input: stdout }).on('line', (line) => {
    const message: Reply | { ready: true } = JSON.parse(line)
    if ('ready' in message) return ready.resolve()
    waiting.get(message.id)?.(message)
    waiting.delete(message.id)
  })
  child.on('exit', (code) => ready.reject(new Error(`the peer ${name} ended with ${code}`)))
  await ready.promise
  let next = 0
  return {
    name,
    runner: inside,
    call: (to, port, { protocol = 'tcp', count = 1, timeoutMs = 1_000, from, source } = {}) =>
      new Promise((resolve) => {
        const id = next++
        waiting.set(id, resolve)
        stdin.write(`${JSON.stringify({ id, protocol, to, port, count, timeoutMs, from, source })}\n`)
      }),
    serve: async (script, signal, onReady) => {
      const [file, ...args] = enterNetworkFile(`/run/netns/${name}`)
      const server = spawn(file, [...args, process.execPath, '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
      server.stdout.once('data', onReady)
      const stopped = new Promise((resolve) => server.once('exit', resolve))
      signal.addEventListener('abort', () => server.kill(), { once: true })
      await stopped
    },
    close: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      stdin.end()
      await ended
      await ip([`netns delete ${name}`])
    },
  }
}
