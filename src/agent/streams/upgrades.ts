/** Requests that become streams: exec, attach and port-forward in the kubelet's paths, and a plain connection to a port. */
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { createWebSocketStream } from 'ws'
import { type Clock, systemClock } from '../../api/clock.ts'
import type { Pod } from '../../api/types/index.ts'
import type { Logger } from '../../host/log.ts'
import { joinStreams, switchProtocols, type Upgrade } from '../../host/upgrade.ts'
import { isAddress, joinHostPort } from '../../ip/address.ts'
import { followLog } from '../logs/reader.ts'
import type { ContainerRecord } from '../runtime/containers.ts'
import type { Runtimes } from '../runtime/runtimes.ts'
import type { SandboxRecord } from '../runtime/sandboxes.ts'
import type { Upgrader } from '../server/http.ts'
import { RequestError } from '../server/log-query.ts'
import { wordsOf } from '../server/routes.ts'
import type { PodPorts } from './pod-ports.ts'
import {
  forwardOverChannels,
  forwardOverSpdy,
  portForwardProtocol,
  portForwardWebSocketProtocols,
  portOf,
  tunnelledProtocol,
} from './port-forward.ts'
import { carrierOf, spdyProtocolOf, webSocketProtocolOf } from './protocol.ts'
import { failureStatus, type RemoteChannels, type StreamOptions } from './remote-channels.ts'
import { serveCommand, serveOutput } from './remote-command.ts'
import { switchToSpdy } from './spdy/session.ts'
import { openSpdyChannels, remoteCommandProtocols } from './spdy-channels.ts'
import { acceptWebSocket } from './web-socket.ts'
import { openWebSocketChannels, webSocketProtocols } from './web-socket-channels.ts'

export interface UpgradesOptions {
  readonly pods: { get(key: string): Pod | undefined }
  readonly runtimes: Pick<Runtimes, 'sandboxes' | 'streams'>
  readonly ports: Pick<PodPorts, 'connect'>
  readonly log: Logger
  readonly clock?: Clock
}

type Take = (upgrade: Upgrade) => void

const isSet = (query: URLSearchParams, name: string): boolean => ['true', '1'].includes(query.get(name) ?? '')

/** As the API server asks, and as it asks a kubelet. */
const optionsOf = (query: URLSearchParams): StreamOptions => {
  const tty = isSet(query, 'tty')
  const options = {
    stdin: isSet(query, 'input') || isSet(query, 'stdin'),
    stdout: isSet(query, 'output') || isSet(query, 'stdout'),
    stderr: !tty && (isSet(query, 'error') || isSet(query, 'stderr')),
    tty,
  }
  if (options.stdin || options.stdout || options.stderr) return options
  throw new RequestError(400, 'you must specify at least 1 of stdin, stdout, stderr')
}

/** Somebody is waiting to see what they type. */
const attachedPollMs = 20
const connectTimeoutMs = 10_000

const connectTo = (host: string, port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true })
    const fail = (error: Error): void => {
      socket.destroy()
      reject(new RequestError(502, `dial tcp ${joinHostPort(host, port)}: ${error.message}`))
    }
    socket.setTimeout(connectTimeoutMs, () => fail(new Error('i/o timeout')))
    socket.once('error', fail)
    socket.once('connect', () => {
      socket.setTimeout(0)
      socket.off('error', fail)
      socket.on('error', () => undefined)
      resolve(socket)
    })
  })

export const createUpgrades = ({ pods, runtimes, ports, log, clock = systemClock }: UpgradesOptions): Upgrader => {
  const podOf = (namespace: string, name: string, uid: string | undefined): Pod => {
    const pod = pods.get(`${namespace}/${name}`)
    if (pod && (uid === undefined || pod.metadata.uid === uid)) return pod
    throw new RequestError(404, 'pod does not exist')
  }
  const sandboxOf = async (pod: Pod): Promise<SandboxRecord> => {
    const sandbox = (await runtimes.sandboxes.list()).find(({ id }) => id === pod.metadata.uid)
    if (sandbox?.running) return sandbox
    throw new RequestError(404, `pod ${pod.metadata.name} is not running`)
  }
  const containerOf = async (pod: Pod, name: string): Promise<ContainerRecord> => {
    const { containers } = await sandboxOf(pod)
    const found = containers.findLast((each) => each.name === name && !each.exit)
    if (found) return found
    throw new RequestError(404, `container not found (${JSON.stringify(name)})`)
  }

  /** How the channels of a command will be opened, once the connection is ours. Throws `RequestError`. */
  const channelsOf = (
    request: IncomingMessage,
    options: StreamOptions,
  ): ((upgrade: Upgrade, use: (channels: RemoteChannels) => Promise<void>) => void) => {
    const tell = (error: unknown): void => log.debug({ err: error, url: request.url }, 'a stream has ended early')
    if (carrierOf(request) === 'spdy') {
      const protocol = spdyProtocolOf(request, remoteCommandProtocols, 'channel.k8s.io')
      return (upgrade, use) => void openSpdyChannels(upgrade, protocol, options).then(use).catch(tell)
    }
    const protocol = webSocketProtocolOf(request, Object.keys(webSocketProtocols))
    return (upgrade, use) =>
      acceptWebSocket(upgrade, protocol, (socket) => {
        use(openWebSocketChannels(socket, protocol, options)).catch(tell)
      })
  }

  const exec = async (request: IncomingMessage, pod: Pod, name: string, query: URLSearchParams): Promise<Take> => {
    const options = optionsOf(query)
    const command = query.getAll('command')
    if (command.length === 0) throw new RequestError(400, 'you must specify a command')
    const { id } = await containerOf(pod, name)
    const open = channelsOf(request, options)
    return (upgrade) =>
      open(upgrade, async (channels) => {
        const { stdin, tty } = options
        try {
          await serveCommand(await runtimes.streams.open(id, command, { stdin, tty }), channels)
        } catch (error) {
          log.warn({ err: error, pod: pod.metadata.name, container: name }, 'cannot run a command in a container')
          const why = error instanceof Error ? error.message : String(error)
          channels.finish(failureStatus(`error executing command in container: ${why}`))
        }
      })
  }

  const attach = async (request: IncomingMessage, pod: Pod, name: string, query: URLSearchParams): Promise<Take> => {
    const options = optionsOf(query)
    const { id, logFile: file, logFormat: format } = await containerOf(pod, name)
    const open = channelsOf(request, options)
    const isOver = async (): Promise<boolean> => {
      const found = (await runtimes.sandboxes.list())
        .flatMap(({ containers }) => containers)
        .find((each) => each.id === id)
      return found === undefined || found.exit !== undefined
    }
    return (upgrade) =>
      open(upgrade, async (channels) => {
        const source = { file, format, isOver, clock, pollMs: attachedPollMs }
        const input = await runtimes.streams.attach(id)
        // Before anything reaches its stdin: what it answers to that is to be seen.
        const output = input.output?.(channels.gone) ?? (await followLog(source, channels.gone))
        await serveOutput(output, input, channels)
      })
  }

  const portForward = async (request: IncomingMessage, pod: Pod, query: URLSearchParams): Promise<Take> => {
    const { pid } = await sandboxOf(pod)
    const toPort = (port: number) => ports.connect(pid, port)
    const { name } = pod.metadata
    const tell = `${name}, uid ${pod.metadata.uid}`
    if (carrierOf(request) === 'spdy') {
      const protocol = spdyProtocolOf(request, [portForwardProtocol], portForwardProtocol)
      return ({ socket, head }) => {
        switchToSpdy(socket, protocol)
        void forwardOverSpdy(socket, head, tell, toPort)
      }
    }
    const protocol = webSocketProtocolOf(request, [tunnelledProtocol, ...portForwardWebSocketProtocols])
    if (protocol === tunnelledProtocol)
      return (upgrade) =>
        acceptWebSocket(upgrade, protocol, (socket) => {
          void forwardOverSpdy(createWebSocketStream(socket), Buffer.alloc(0), tell, toPort)
        })
    const asked = [...query.getAll('port'), ...query.getAll('ports')].flatMap((text) => text.split(','))
    const wanted = asked.map(portOf).filter((port) => port !== undefined)
    if (wanted.length === 0 || wanted.length !== asked.length || wanted.length > 128)
      throw new RequestError(400, 'query parameter "port" is required, and is a number from 1 to 65535')
    return (upgrade) =>
      acceptWebSocket(upgrade, protocol, (socket) => forwardOverChannels(socket, protocol, wanted, tell, toPort))
  }

  /** A connection to a port of the pod's address, as its Services make them. */
  const dial = async (request: IncomingMessage, pod: Pod, text: string): Promise<Take> => {
    const port = portOf(text)
    const host = pod.status?.podIP ?? ''
    if (request.headers.upgrade !== 'tcp' || port === undefined) throw new RequestError(400, 'no port to connect to')
    if (!isAddress(host)) throw new RequestError(502, `pod ${pod.metadata.name} has no address`)
    const target = await connectTo(host, port)
    return ({ socket, head }) => {
      switchProtocols(socket, { connection: 'Upgrade', upgrade: 'tcp' })
      if (head.length > 0) socket.unshift(head)
      joinStreams(socket, target)
    }
  }

  return async (request) => {
    const url = new URL(request.url ?? '/', 'https://node')
    const [verb, namespace = '', name = '', ...rest] = wordsOf(url.pathname) ?? []
    if (request.method !== 'GET' && request.method !== 'POST') throw new RequestError(405, 'method not allowed')
    const [uid, container] = rest.length > 1 ? rest : [undefined, rest[0]]
    if (verb === 'exec' && container !== undefined && rest.length < 3)
      return exec(request, podOf(namespace, name, uid), container, url.searchParams)
    if (verb === 'attach' && container !== undefined && rest.length < 3)
      return attach(request, podOf(namespace, name, uid), container, url.searchParams)
    if (verb === 'portForward' && rest.length < 2)
      return portForward(request, podOf(namespace, name, rest[0]), url.searchParams)
    if (verb === 'dial' && rest.length === 2) return dial(request, podOf(namespace, name, rest[0]), rest[1] ?? '')
    throw new RequestError(404, '404 page not found')
  }
}
