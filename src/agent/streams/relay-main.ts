/**
 * A program in the network of a pod: connects whoever comes to its socket, which is a file, to a port of that network. The
 * first line says which port; the answer is `ok`, or what is wrong. It says which network it is in, and ends when its starter does.
 *   relay-main SOCKET
 */
import { readlinkSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { dirname } from 'node:path'

const hosts = ['127.0.0.1', '::1']
const connectTimeoutMs = 10_000

const connectTo = (host: string, port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true })
    socket.setTimeout(connectTimeoutMs, () => socket.destroy(new Error(`connect ETIMEDOUT ${host}:${port}`)))
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.setTimeout(0)
      socket.removeListener('error', reject)
      resolve(socket)
    })
  })

/** By the first address that takes it. */
const connectToPort = async (port: number): Promise<Socket> => {
  const reasons: string[] = []
  for (const host of hosts) {
    try {
      return await connectTo(host, port)
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw new Error(reasons[0] ?? 'no address')
}

const join = (a: Socket, b: Socket): void => {
  a.pipe(b)
  b.pipe(a)
  a.on('error', () => b.destroy()).once('close', () => b.destroy())
  b.on('error', () => a.destroy()).once('close', () => a.destroy())
}

const serve = async (client: Socket, line: string): Promise<void> => {
  try {
    const target = await connectToPort(Number(line))
    client.write('ok\n')
    join(client, target)
  } catch (error) {
    client.end(`${error instanceof Error ? error.message : String(error)}\n`)
  }
}

const server = createServer({ allowHalfOpen: true }, (client) => {
  client.on('error', () => undefined)
  client.once('readable', () => {
    // The line is one write of the agent's: it is there as a whole.
    const bytes = client.read() as Buffer | null
    const line = bytes?.toString() ?? ''
    if (/^\d{1,5}\n$/.test(line)) void serve(client, line)
    else client.destroy()
  })
})
const path = process.argv[2] ?? ''
server.listen(path, () => process.stdout.write(`${readlinkSync('/proc/self/ns/net')}\n`))
process.stdin.once('end', () => {
  // Whoever has started us may be gone.
  rmSync(dirname(path), { recursive: true, force: true })
  process.exit(0)
})
process.stdin.resume()
