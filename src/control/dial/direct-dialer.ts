/** TLS to the agent's own port, with the control plane's certificate: for clusters whose nodes have that port open. */
import { connect } from 'node:tls'
import type { KeyPair } from '../../api/certificates.ts'
import { joinHostPort } from '../../ip/address.ts'
import { type Dialer, NodeUnreachable } from './dialer.ts'

export interface AgentAddress {
  readonly address: string
  readonly port: number
}

/** As whom agents know the control plane. The pair is asked for at every connection: it is renewed while we run. */
export interface AgentClient {
  readonly pair: () => KeyPair
  readonly ca: string
}

const connectTimeoutMs = 5_000

/** `find` tells where a node's agent listens; undefined when it does not. */
export const createDirectDialer = (
  find: (node: string) => AgentAddress | undefined,
  { pair, ca }: AgentClient,
): Dialer => ({
  open: async (node, signal) => {
    const place = find(node)
    if (!place) throw new NodeUnreachable('its agent listens on no port')
    const { address: host, port } = place
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, ...pair(), ca })
      const fail = (error: Error): void => {
        socket.destroy()
        reject(new NodeUnreachable(`dial tcp ${joinHostPort(host, port)}: ${error.message}`, { cause: error }))
      }
      const giveUp = (): void => fail(new Error('canceled'))
      signal.addEventListener('abort', giveUp, { once: true })
      socket.setTimeout(connectTimeoutMs, () => fail(new Error(`no answer within ${connectTimeoutMs} ms`)))
      socket.once('error', fail)
      socket.once('secureConnect', () => {
        signal.removeEventListener('abort', giveUp)
        socket.setTimeout(0)
        // A followed log may be silent for as long as it likes; a node that is gone is noticed all the same.
        socket.setKeepAlive(true, 15_000)
        socket.removeListener('error', fail)
        socket.on('error', () => undefined)
        resolve(socket)
      })
    })
  },
})
