/** Connections to ports of a pod as its own processes reach them: by its loopback, from within its network. */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readlink, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { extname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { enterNetworkFile } from '../../host/namespaces.ts'
import { toolEnv } from '../runtime/shared/begin.ts'

export interface PodPorts {
  /** A connection to a TCP port of the network that the process `pid` is in. Rejects when nobody listens there. */
  connect(pid: number, port: number): Promise<Socket>
  close(): void
}

const startTimeoutMs = 10_000
/** A relay that nobody has used for so long ends. */
const idleMs = 30_000

const program = fileURLToPath(new URL(`./relay-main${extname(import.meta.url)}`, import.meta.url))

interface Relay {
  readonly connect: (port: number) => Promise<Socket>
  readonly end: () => void
}

/** Resolves when the connection is to the port, not only to the relay. */
const throughRelay = (path: string, port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: true })
    let text = Buffer.alloc(0)
    const fail = (error: Error): void => {
      socket.destroy()
      reject(error)
    }
    const take = (): void => {
      for (let bytes = socket.read() as Buffer | null; bytes; bytes = socket.read() as Buffer | null)
        text = Buffer.concat([text, bytes])
      const end = text.indexOf('\n')
      if (end < 0) return
      const said = text.toString('utf8', 0, end)
      if (said !== 'ok') return fail(new Error(said))
      socket.off('readable', take).off('error', fail).off('end', ended)
      socket.on('error', () => undefined)
      if (end + 1 < text.length) socket.unshift(text.subarray(end + 1))
      resolve(socket)
    }
    const ended = (): void => fail(new Error('the relay has ended'))
    socket.on('error', fail).on('readable', take).on('end', ended)
    socket.write(`${port}\n`)
  })

/** `network`: the name that the kernel has for it, as the relay has to see it, too: the pid may be another process by now. */
const startRelay = async (parent: string, pid: number, network: string, onEnd: () => void): Promise<Relay> => {
  await mkdir(parent, { recursive: true, mode: 0o700 })
  const folder = await mkdtemp(join(parent, 'relay-'))
  const path = join(folder, 'socket')
  const [file, ...words] = enterNetworkFile(`/proc/${pid}/ns/net`)
  const node = [process.execPath, '--max-semi-space-size=1', '--disable-warning=ExperimentalWarning', program, path]
  const child = spawn(file, [...words, ...node], { cwd: '/', env: toolEnv(), stdio: ['pipe', 'pipe', 'ignore'] })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  child.on('error', () => undefined)
  child.stdin.on('error', () => undefined)
  void ended.then(async () => {
    onEnd()
    await rm(folder, { recursive: true, force: true })
  })
  const ready = new Promise<boolean>((resolve) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(line === network))
    void ended.then(() => resolve(false))
    setTimeout(() => resolve(false), startTimeoutMs).unref()
  })
  if (!(await ready)) {
    child.kill('SIGKILL')
    throw new Error('cannot enter the network of the pod')
  }
  let open = 0
  let timer: NodeJS.Timeout | undefined
  const end = (): void => {
    onEnd()
    child.stdin.end()
  }
  const rest = (): void => {
    if (open === 0) timer = setTimeout(end, idleMs).unref()
  }
  return {
    end,
    connect: async (port) => {
      clearTimeout(timer)
      open++
      try {
        const socket = await throughRelay(path, port)
        socket.once('close', () => {
          open--
          rest()
        })
        return socket
      } catch (error) {
        open--
        rest()
        throw error
      }
    },
  }
}

/** `folder`: for the relays' sockets, and as volatile as they are. */
export const createPodPorts = (folder: string): PodPorts => {
  /** By the kernel's name of the network, which is nobody else's for as long as the relay is in it. */
  const relays = new Map<string, Promise<Relay>>()

  const relayFor = async (pid: number): Promise<Relay> => {
    const network = await readlink(`/proc/${pid}/ns/net`)
    const known = relays.get(network)
    if (known) return known
    const forget = (): void => {
      if (relays.get(network) === started) relays.delete(network)
    }
    const started = startRelay(folder, pid, network, forget)
    started.catch(forget)
    relays.set(network, started)
    return started
  }

  return {
    connect: async (pid, port) => (await relayFor(pid)).connect(port),
    close: () => {
      for (const relay of relays.values()) void relay.then(({ end }) => end()).catch(() => undefined)
    },
  }
}
