/** The API of one process behind real sockets, on 127.0.0.1, with a kubeconfig of its administrator. */
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createAuthority, issueCertificate, validFor } from '../../src/api/certificates.ts'
import { createClient } from '../../src/api/client.ts'
import { systemClock } from '../../src/api/clock.ts'
import { renderKubeconfig } from '../../src/api/kubeconfig.ts'
import { namespaces } from '../../src/api/resources.ts'
import { createAuthentication } from '../../src/control/auth/authenticate.ts'
import { certificateUsers } from '../../src/control/auth/certificate-users.ts'
import { controlUser, mastersGroup } from '../../src/control/auth/user.ts'
import { keepBundledKinds } from '../../src/control/bootstrap/bundled-kinds.ts'
import { keepDefaultRoles } from '../../src/control/bootstrap/default-roles.ts'
import { openControlPlane } from '../../src/control/control-plane.ts'
import { authenticated } from '../../src/control/server/authentication.ts'
import { createApiServer } from '../../src/control/server/https.ts'
import { createLocalTransport } from '../../src/control/server/local-transport.ts'
import { createMemoryBackend } from '../../src/control/storage/memory-backend.ts'
import { silentLogger } from '../../src/host/log.ts'
import { noAgents, testAdmission, testTokens } from './api-server.ts'

/** Ends with the test. There are no controllers and no nodes; the default roles, the bundled kinds and the namespace `default` are there. */
export const serveApi = async (t: Test): Promise<{ readonly kubeconfig: string }> => {
  // Nobody counts what is used of a quota.
  const admission = { ...testAdmission, disabled: ['ServiceAccount', 'ResourceQuota'] } as const
  const plane = await openControlPlane({
    admission,
    ...{ backend: createMemoryBackend(), agents: noAgents, tokens: testTokens },
  })
  const local = createClient(createLocalTransport(plane.handle, controlUser))
  await keepDefaultRoles(local)
  await keepBundledKinds(local, { clock: systemClock, log: silentLogger })
  await local.create(namespaces, { metadata: { name: 'default' } })
  const now = Date.now()
  const authority = await createAuthority('test', validFor(1, now))
  const pair = await issueCertificate(
    authority,
    { commonName: 'api', addresses: ['127.0.0.1'] },
    validFor(1, now),
    'server',
  )
  const subject = { commonName: 'admin', organizations: [mastersGroup] }
  const admin = await issueCertificate(authority, subject, validFor(1, now), 'client')
  const handle = authenticated(createAuthentication([certificateUsers(systemClock)]), plane.handle)
  const server = createApiServer(handle, { ...pair, ca: authority.cert, log: silentLogger })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const folder = await mkdtemp(join(tmpdir(), 'podway-api-'))
  t.teardown(async () => {
    server.closeAllConnections()
    server.close()
    await plane.store.close()
    await rm(folder, { recursive: true })
  })
  const kubeconfig = join(folder, 'kubeconfig')
  const connection = { server: `https://127.0.0.1:${port}`, ca: authority.cert, ...admin }
  await writeFile(kubeconfig, renderKubeconfig('podway', connection), { mode: 0o600 })
  return { kubeconfig }
}
