/** The channels of a command as streams of SPDY, each named by the header `streamType`. kubectl up to 1.29. */
import type { Duplex } from 'node:stream'
import type { Upgrade } from '../../host/upgrade.ts'
import {
  createResizes,
  endAll,
  parseSize,
  type RemoteChannels,
  type StreamOptions,
  statusText,
} from './remote-channels.ts'
import { serveSpdy, switchToSpdy } from './spdy/session.ts'

/** v3 brought the sizes of terminals, v4 the Status. */
export const remoteCommandProtocols = [
  'v4.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'channel.k8s.io',
] as const

export type RemoteCommandProtocol = (typeof remoteCommandProtocols)[number]

/** For so long a client may take to open all of its streams. */
const openMs = 30_000
const maxSizeBytes = 1024

const hasSizes = (protocol: RemoteCommandProtocol): boolean =>
  protocol === 'v4.channel.k8s.io' || protocol === 'v3.channel.k8s.io'

const streamNames = ({ stdin, stdout, stderr, tty }: StreamOptions, protocol: RemoteCommandProtocol) =>
  [
    'error',
    ...(stdin ? ['stdin'] : []),
    ...(stdout ? ['stdout'] : []),
    ...(stderr && !tty ? ['stderr'] : []),
    ...(tty && hasSizes(protocol) ? ['resize'] : []),
  ] as const

/** JSON values, one behind the other. */
const readSizes = (stream: Duplex, take: (text: string) => void): void => {
  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    text += chunk
    for (let end = text.indexOf('}'); end >= 0; end = text.indexOf('}')) {
      take(text.slice(0, end + 1))
      text = text.slice(end + 1)
    }
    if (text.length > maxSizeBytes) stream.destroy()
  })
}

/** Resolves when the client has opened all streams. Rejects, and ends the connection, when it does not. */
export const openSpdyChannels = (
  { socket, head }: Upgrade,
  protocol: RemoteCommandProtocol,
  options: StreamOptions,
): Promise<RemoteChannels> =>
  new Promise((resolve, reject) => {
    const found = new Map<string, Duplex>()
    const wanted = streamNames(options, protocol)
    const gone = new AbortController()
    const resizes = createResizes()
    const give = (): void => {
      clearTimeout(timer)
      const resize = found.get('resize')
      if (resize) readSizes(resize, (text) => resizes.take(parseSize(text)))
      resolve({
        ...{ stdin: found.get('stdin'), stdout: found.get('stdout'), stderr: found.get('stderr') },
        onResize: resizes.onResize,
        finish: (status) => {
          const error = found.get('error')
          error?.write(statusText(status, protocol === 'v4.channel.k8s.io'))
          const outputs = ['stdout', 'stderr', 'error'].flatMap((name) => found.get(name) ?? [])
          void endAll(outputs).then(session.close)
        },
        gone: gone.signal,
      })
    }
    switchToSpdy(socket, protocol)
    const session = serveSpdy(socket, head, ({ headers, stream }) => {
      const name = wanted.find((each) => each === headers.get('streamtype'))
      if (name === undefined || found.has(name)) return void stream.destroy()
      found.set(name, stream)
      if (found.size === wanted.length) give()
    })
    const timer = setTimeout(() => session.close(), openMs)
    void session.ended.then(() => {
      clearTimeout(timer)
      gone.abort()
      reject(new Error('the client has not opened its streams'))
    })
  })
