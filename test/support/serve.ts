/** Servers on 127.0.0.1 that end with their test. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** The port that it has come to listen on. */
export const serve = async (t: Test, server: Server | TlsServer): Promise<number> => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}
