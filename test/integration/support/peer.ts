/**
 * A host of a test network, run inside its network namespace: `peer.ts NAME PORT…` answers TCP and UDP on each PORT
 * with `NAME address-of-the-client`, and makes the connections it is told to on stdin, one JSON object a line.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'

export interface Call {
  readonly id: number
  readonly protocol: 'tcp' | 'udp'
  readonly to: string
  readonly port: number
  /** How many connections, one after another. */
  readonly count: number
  readonly timeoutMs: number
  /** The port to send from (UDP): the same one again is the same connection to the kernel. */
  readonly from?: number
  /** The address to send from. */
  readonly source?: string
}

/** What each connection got: `NAME address`, an error's code, or `timeout`. */
export interface Reply {
  readonly id: number
  readonly answers: readonly string[]
  /** The longest one took. */
  readonly slowestMs: number
}

const plain = (address: string | undefined): string => (address ?? '').replace('::ffff:', '')

const serve = async (name: string, port: number): Promise<void> => {
  const tcp = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    // The client ends first, so that its port is not free again for a while: a port that is used twice within a minute
    // meets what the endpoint and the kernel remember of the first time.
    socket.resume()
    socket.write(`${name} ${plain(socket.remoteAddress)}\n`)
  })
  const udp = createSocket('udp6', (_, sender) =>
    udp.send(`${name} ${plain(sender.address)}`, sender.port, sender.address),
  )
  tcp.listen(port, '::')
  udp.bind(port, '::')
  await Promise.all([once(tcp, 'listening'), once(udp, 'listening')])
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error)

const callTcp = ({ to, port, timeoutMs, source }: Call): Promise<string> =>
  new Promise((resolve) => {
    let text = ''
    const socket = connect({
      host: to,
      port,
      timeout: timeoutMs,
      ...(source === undefined ? {} : { localAddress: source }),
    })
    const end = (answer: string): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.on('data', (chunk) => {
      text += chunk
      if (text.endsWith('\n')) socket.end()
    })
    socket.on('end', () => end(text.trim()))
    socket.on('timeout', () => end('timeout'))
    socket.on('error', (error) => end(codeOf(error)))
  })

const callUdp = ({ to, port, timeoutMs, from = 0 }: Call): Promise<string> =>
  new Promise((resolve) => {
    const socket = createSocket(to.includes(':') ? 'udp6' : 'udp4')
    const end = (answer: string): void => {
      clearTimeout(timer)
      socket.close()
      resolve(answer)
    }
    const timer = setTimeout(end, timeoutMs, 'timeout')
    socket.on('message', (message) => end(message.toString()))
    socket.on('error', (error) => end(codeOf(error)))
    socket.bind(from, () => socket.connect(port, to, () => socket.send('hello')))
  })

const answer = async (call: Call): Promise<Reply> => {
  const answers: string[] = []
  let slowestMs = 0
  for (let at = 0; at < call.count; at++) {
    const started = performance.now()
    answers.push(await (call.protocol === 'tcp' ? callTcp(call) : callUdp(call)))
    slowestMs = Math.max(slowestMs, performance.now() - started)
  }
  return { id: call.id, answers, slowestMs }
}

const [name = '', ...ports] = process.argv.slice(2)
for (const port of ports) await serve(name, Number(port))
console.log('{"ready":true}')
for await (const line of createInterface({ input: process.stdin })) {
  const call: Call = JSON.parse(line)
  void answer(call).then((reply) => console.log(JSON.stringify(reply)))
}
process.exit(0)
