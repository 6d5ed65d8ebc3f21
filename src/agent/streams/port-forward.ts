/** Port-forwarding: each connection of the client's is a pair of streams, one for its bytes and one for what goes wrong. */
import type { Duplex, Readable, Writable } from 'node:stream'
import type { WebSocket } from 'ws'
import { joinStreams } from '../../host/upgrade.ts'
import { createChannelSocket } from './channel-socket.ts'
import { serveSpdy } from './spdy/session.ts'

export const portForwardProtocol = 'portforward.k8s.io'
/** SPDY within the messages of a WebSocket: kubectl from 1.31 on. */
export const tunnelledProtocol = 'SPDY/3.1+portforward.k8s.io'
/** A pair of channels for each port of the query. */
export const portForwardWebSocketProtocols = ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io'] as const

/** A connection to a port of the pod. Rejects when there is none to be had. */
export type ConnectPort = (port: number) => Promise<Duplex>

/** For so long the second stream of a pair may take to come. */
const pairMs = 30_000

export const portOf = (text: string | undefined): number | undefined => {
  const port = /^\d{1,5}$/.test(text ?? '') ? Number(text) : 0
  return port > 0 && port < 65_536 ? port : undefined
}

const failureText = (port: number, pod: string, error: unknown): string =>
  `error forwarding port ${port} to pod ${pod}: ${error instanceof Error ? error.message : String(error)}`

/** Over SPDY; `head` is what the client has sent already. Resolves at the end of the connection. */
export const forwardOverSpdy = (socket: Duplex, head: Buffer, pod: string, connect: ConnectPort): Promise<void> => {
  /** Streams whose other half has not come, by the client's number of the pair. */
  const waiting = new Map<string, { readonly type: string; readonly stream: Duplex; readonly timer: NodeJS.Timeout }>()

  const forward = async (data: Duplex, errors: Duplex, port: number): Promise<void> => {
    errors.resume()
    try {
      const target = await connect(port)
      joinStreams(data, target)
      target.once('close', () => errors.end())
    } catch (error) {
      errors.end(failureText(port, pod, error))
      data.resume().end()
    }
  }

  const session = serveSpdy(socket, head, ({ headers, stream }) => {
    const type = headers.get('streamtype') ?? ''
    const port = portOf(headers.get('port'))
    if (port === undefined || (type !== 'data' && type !== 'error')) return void stream.destroy()
    const pair = `${headers.get('requestid') ?? ''} ${port}`
    const other = waiting.get(pair)
    if (!other) {
      const timer = setTimeout(() => {
        waiting.delete(pair)
        stream.destroy()
      }, pairMs)
      stream.once('close', () => clearTimeout(timer))
      return void waiting.set(pair, { type, stream, timer })
    }
    clearTimeout(other.timer)
    waiting.delete(pair)
    if (other.type === type) {
      other.stream.destroy()
      return void stream.destroy()
    }
    const [data, errors] = type === 'data' ? [stream, other.stream] : [other.stream, stream]
    void forward(data, errors, port)
  })
  return session.ended
}

const portBytes = (port: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(port)
  return bytes
}

/** One connection for each of `ports`, over channels that begin with the port's number. */
export const forwardOverChannels = (
  socket: WebSocket,
  protocol: string | undefined,
  ports: readonly number[],
  pod: string,
  connect: ConnectPort,
): void => {
  const channels = createChannelSocket(socket, { isBase64: protocol === 'v4.base64.channel.k8s.io' })
  let left = ports.length

  const forward = async (input: Readable, output: Writable, errors: Writable, port: number): Promise<void> => {
    try {
      const target = await connect(port)
      target.on('error', () => undefined)
      channels.gone.addEventListener('abort', () => target.destroy(), { once: true })
      input.pipe(target)
      target.pipe(output)
      await new Promise<void>((resolve) => target.once('close', () => resolve()))
    } catch (error) {
      input.resume()
      errors.write(failureText(port, pod, error))
    }
  }

  for (const [at, port] of ports.entries()) {
    const input = channels.readable(2 * at)
    const output = channels.writable(2 * at)
    const errors = channels.writable(2 * at + 1)
    for (const each of [output, errors]) each.write(portBytes(port))
    void forward(input, output, errors, port).finally(() => {
      left--
      if (left === 0) channels.close()
    })
  }
}
