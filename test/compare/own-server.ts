/** Podway's API server over an empty store, listening, with a token for its administrator. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createAuthority, issueCertificate, validFor } from '../../src/api/certificates.ts'
import { bearerOf, createAuthentication } from '../../src/control/auth/authenticate.ts'
import { mastersGroup } from '../../src/control/auth/user.ts'
import { authenticated } from '../../src/control/server/authentication.ts'
import { createApiServer } from '../../src/control/server/https.ts'
import { silentLogger } from '../../src/host/log.ts'
import { createTestApi } from '../support/api-server.ts'
import type { Server } from './ask.ts'

const token = 'own'

export const startOwnServer = async (): Promise<Server & { close(): Promise<void> }> => {
  const now = Date.now()
  const authority = await createAuthority('compare', validFor(1, now))
  const names = { commonName: 'api', addresses: ['127.0.0.1'] }
  const pair = await issueCertificate(authority, names, validFor(1, now), 'server')
  const { handle } = await createTestApi()
  const authenticate = createAuthentication([
    (credentials) => (bearerOf(credentials) === token ? { name: 'admin', groups: [mastersGroup] } : undefined),
  ])
  const server = createApiServer(authenticated(authenticate, handle), {
    ...pair,
    ca: authority.cert,
    log: silentLogger,
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    ...{ url: `https://127.0.0.1:${port}`, ca: authority.cert, token },
    close: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
