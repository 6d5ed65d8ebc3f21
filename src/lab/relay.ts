/** Byte relays between a TCP port and a unix socket, half-closes included. */

import { once } from 'node:events'
import { chmod } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

const join = (client: Socket, target: Socket): void => {
  client.pipe(target)
  target.pipe(client)
  for (const [one, other] of [
    [client, target],
    [target, client],
  ] as const) {
    one.once('error', () => other.destroy())
    one.once('close', () => other.destroySoon())
  }
}

const relayTo = (open: () => Socket): Server =>
  createServer({ allowHalfOpen: true, noDelay: true }, (client) => join(client, open()))

const listening = async (server: Server, where: { port: number; host: string } | { path: string }): Promise<void> => {
  server.listen(where)
  await once(server, 'listening')
}

/** Listens on 127.0.0.1; resolves to the port. Throws with the port's number when it is taken. */
export const relayFromPort = async (port: number, socketPath: string): Promise<number> => {
  const server = relayTo(() => connect({ path: socketPath, allowHalfOpen: true }))
  try {
    await listening(server, { port, host: '127.0.0.1' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new Error(`port ${port} of 127.0.0.1 is taken: publish another one`)
  }
  return (server.address() as AddressInfo).port
}

/** Listens on a unix socket that only its owner may use. */
export const relayFromSocket = async (socketPath: string, address: string, port: number): Promise<void> => {
  const server = relayTo(() => connect({ host: address, port, allowHalfOpen: true, noDelay: true }))
  await listening(server, { path: socketPath })
  await chmod(socketPath, 0o600)
}
