/**
 * Syslog (RFC 5424): over UDP a datagram each (RFC 5426); over TCP, TLS and unix sockets each message behind its length (RFC 6587,
 * section 3.4.1; RFC 5425), which nothing in a message can break. Syslog acknowledges nothing: what the kernel has taken counts as sent.
 */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { counted } from '../../../host/counted.ts'
import { syslogMessage } from './record.ts'
import { type LogSink, Rejected } from './sink.ts'
import type { SyslogWay } from './target.ts'

export interface SyslogSinkOptions {
  /** PEM, in place of the system's authorities. */
  readonly ca?: string
}

/** A way to a server that is opened when it is needed, and again when it broke. */
interface Link {
  write(messages: readonly string[], signal: AbortSignal): Promise<void>
  close(): void
}

/** What UDP over IPv4 can carry. */
const maxDatagramBytes = 65_507

const datagramLink = (host: string, port: number): Link => {
  let socket: DatagramSocket | undefined
  let broken: Error | undefined

  const drop = (): void => {
    socket?.close()
    socket = undefined
  }
  const open = async (signal: AbortSignal): Promise<DatagramSocket> => {
    const { address, family } = await lookup(host)
    signal.throwIfAborted()
    const opened = createSocket(family === 6 ? 'udp6' : 'udp4')
    // "Connection refused" comes back to a connected socket only.
    opened.connect(port, address)
    socket = opened
    broken = undefined
    await once(opened, 'connect', { signal })
    opened.on('error', (error) => {
      broken = error
    })
    return opened
  }
  const sendOne = (to: DatagramSocket, message: string): Promise<void> =>
    new Promise((resolve, reject) => to.send(message, (error) => (error ? reject(error) : resolve())))

  return {
    write: async (messages, signal) => {
      // Before any is sent, which would be sent again with the smaller batches that follow.
      if (messages.some((message) => Buffer.byteLength(message) > maxDatagramBytes))
        throw new Rejected(`a message is larger than a datagram, which holds ${counted(maxDatagramBytes, 'byte')}`)
      try {
        const to = socket ?? (await open(signal))
        for (const message of messages) {
          signal.throwIfAborted()
          if (broken) throw broken
          await sendOne(to, message)
        }
      } catch (error) {
        drop()
        throw error
      }
    },
    close: drop,
  }
}

const framed = (message: string): string => `${Buffer.byteLength(message)} ${message}`

const streamLink = (open: () => Socket, opened: 'connect' | 'secureConnect'): Link => {
  let socket: Socket | undefined

  const start = async (signal: AbortSignal): Promise<Socket> => {
    const started = open()
    socket = started
    await once(started, opened, { signal })
    // Nothing is said back. One who has ended its side, or reset the connection, reads no more.
    started.resume()
    started.on('error', () => started.destroy())
    started.on('end', () => started.destroy())
    return started
  }
  const drop = (): void => {
    socket?.on('error', () => undefined)
    socket?.destroy()
    socket = undefined
  }
  const writeTo = (to: Socket, bytes: Buffer, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const gone = (): void => reject(new Error('the connection was closed'))
      const late = (): void => reject(new Error('the target reads nothing'))
      to.once('close', gone)
      signal.addEventListener('abort', late, { once: true })
      to.write(bytes, (error) => {
        to.off('close', gone)
        signal.removeEventListener('abort', late)
        if (error) reject(error)
        else resolve()
      })
    })

  return {
    write: async (messages, signal) => {
      if (socket?.destroyed) drop()
      try {
        const to = socket ?? (await start(signal))
        await writeTo(to, Buffer.from(messages.map(framed).join('')), signal)
      } catch (error) {
        drop()
        throw error
      }
    },
    close: drop,
  }
}

const linkTo = (way: SyslogWay, ca: string | undefined): Link => {
  if (way.protocol === 'unix') return streamLink(() => connect(way.path), 'connect')
  const { protocol, host, port } = way
  if (protocol === 'udp') return datagramLink(host, port)
  if (protocol === 'tcp') return streamLink(() => connect(port, host), 'connect')
  return streamLink(() => connectTls({ host, port, ...(ca === undefined ? {} : { ca }) }), 'secureConnect')
}

export const createSyslogSink = (name: string, way: SyslogWay, { ca }: SyslogSinkOptions = {}): LogSink => {
  const link = linkTo(way, ca)
  return {
    name,
    send: (records, signal) => link.write(records.map(syslogMessage), signal),
    close: async () => link.close(),
  }
}
