/** The channels of a command over a WebSocket: kubectl from 1.30 on, browsers, the client libraries. */
import type { WebSocket } from 'ws'
import { createChannelSocket } from './channel-socket.ts'
import {
  createResizes,
  endAll,
  parseSize,
  type RemoteChannels,
  type StreamOptions,
  statusText,
} from './remote-channels.ts'

/** What each protocol is like. Without a name it is the first. v5 brought an end of stdin, v4 the Status. */
export const webSocketProtocols: Readonly<
  Record<string, { isBase64: boolean; isStructured: boolean; hasClose: boolean }>
> = {
  'v5.channel.k8s.io': { isBase64: false, isStructured: true, hasClose: true },
  'v5.base64.channel.k8s.io': { isBase64: true, isStructured: true, hasClose: false },
  'v4.channel.k8s.io': { isBase64: false, isStructured: true, hasClose: false },
  'v4.base64.channel.k8s.io': { isBase64: true, isStructured: true, hasClose: false },
  'base64.channel.k8s.io': { isBase64: true, isStructured: false, hasClose: false },
  'channel.k8s.io': { isBase64: false, isStructured: false, hasClose: false },
}

const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const
const closeNumber = 255

export const openWebSocketChannels = (
  socket: WebSocket,
  protocol: string | undefined,
  { stdin, stdout, stderr, tty }: StreamOptions,
): RemoteChannels => {
  const { isBase64, isStructured, hasClose } = webSocketProtocols[protocol ?? 'channel.k8s.io'] ?? {
    ...{ isBase64: false, isStructured: false, hasClose: false },
  }
  const channels = createChannelSocket(socket, { isBase64, ...(hasClose ? { closeNumber } : {}) })
  const resizes = createResizes()
  if (tty) channels.readable(channel.resize).on('data', (bytes: Buffer) => resizes.take(parseSize(bytes.toString())))
  const output = stdout ? channels.writable(channel.stdout) : undefined
  const errors = stderr && !tty ? channels.writable(channel.stderr) : undefined
  const status = channels.writable(channel.error)
  // Nothing on the first channel there is: the client knows that it is connected.
  const first = output ?? errors ?? status
  first.write(Buffer.alloc(0))
  return {
    ...{ stdin: stdin ? channels.readable(channel.stdin) : undefined, stdout: output, stderr: errors },
    onResize: resizes.onResize,
    finish: (found) => {
      const text = statusText(found, isStructured)
      void endAll([output, errors].flatMap((each) => each ?? []))
        .then(() => (text === '' ? undefined : void status.write(text)))
        .then(() => endAll([status]))
        .then(channels.close)
    },
    gone: channels.gone,
  }
}
