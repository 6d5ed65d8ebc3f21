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

const cannotPublish = (port: number, error: unknown): Error => {
  const { code } = error as NodeJS.ErrnoException
  const cure = 'publish another one, or 0 for any that is free'
  if (code === 'EADDRINUSE') return new Error(`port ${port} of 127.0.0.1 is taken: ${cure}`)
  if (code === 'EACCES') return new Error(`port ${port} of 127.0.0.1 is not for ordinary users: ${cure}`)
  return error instanceof Error ? error : new Error(String(error))
}

/** Throws when a port of 127.0.0.1 cannot be listened on now. */
export const checkPort = async (port: number): Promise<void> => {
  const server = createServer()
  try {
    await listening(server, { port, host: '127.0.0.1' })
  } catch (error) {
    throw cannotPublish(port, error)
  }
  server.close()
  await once(server, 'close')
}

/** Listens on 127.0.0.1; resolves to the port. Throws with the port's number when it is taken. */
export const relayFromPort = async (port: number, socketPath: string): Promise<number> => {
  const server = relayTo(() => connect({ path: socketPath, allowHalfOpen: true }))
  try {
    await listening(server, { port, host: '127.0.0.1' })
  } catch (error) {
    throw cannotPublish(port, error)
  }
  return (server.address() as AddressInfo).port
}

/** Listens on a unix socket that only its owner may use. */
export const relayFromSocket = async (socketPath: string, address: string, port: number): Promise<void> => {
  const server = relayTo(() => connect({ host: address, port, allowHalfOpen: true, noDelay: true }))
  await listening(server, { path: socketPath })
  await chmod(socketPath, 0o600)
}
