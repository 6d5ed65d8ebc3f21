/** What kubectl does with a kind that has just been defined. */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import { createAuthority, issueCertificate, validFor } from '../../src/api/certificates.ts'
import { systemClock } from '../../src/api/clock.ts'
import { renderKubeconfig } from '../../src/api/kubeconfig.ts'
import { createAuthentication } from '../../src/control/auth/authenticate.ts'
import { certificateUsers } from '../../src/control/auth/certificate-users.ts'
import { mastersGroup } from '../../src/control/auth/user.ts'
import { authenticated } from '../../src/control/server/authentication.ts'
import { createApiServer } from '../../src/control/server/https.ts'
import { silentLogger } from '../../src/host/log.ts'
import { startControlPlane } from '../support/control-plane.ts'
import { tableDefinition } from '../support/custom-kind.ts'

const kubectlFor = async (t: Test) => {
  const now = Date.now()
  const authority = await createAuthority('test', validFor(1, now))
  const serving = { commonName: 'api', addresses: ['127.0.0.1'] }
  const pair = await issueCertificate(authority, serving, validFor(1, now), 'server')
  const identity = { commonName: 'admin', organizations: [mastersGroup] }
  const admin = await issueCertificate(authority, identity, validFor(1, now), 'client')
  const plane = await startControlPlane(t)
  const handle = authenticated(createAuthentication([certificateUsers(systemClock)]), plane.handle)
  const server = createApiServer(handle, { ...pair, ca: authority.cert, log: silentLogger })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const folder = mkdtempSync(join(tmpdir(), 'podway-kubectl-'))
  const kubeconfig = join(folder, 'kubeconfig')
  const { port } = server.address() as AddressInfo
  writeFileSync(
    kubeconfig,
    renderKubeconfig('test', { server: `https://127.0.0.1:${port}`, ca: authority.cert, ...admin }),
  )
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
    server.closeAllConnections()
    server.close()
  })
  return async (args: readonly string[], input = '') => {
    const { stdout, stderr, exitCode } = await execa('kubectl', [...args], {
      ...{ env: { KUBECONFIG: kubeconfig, HOME: folder }, input, reject: false, timeout: 60_000 },
    })
    return { code: exitCode, out: stdout, err: stderr }
  }
}

const table = (name: string, spec: object, more: object = {}) =>
  JSON.stringify({ apiVersion: 'example.com/v1', kind: 'Table', metadata: { name }, spec, ...more })

t.test('kubectl applies, shows, explains and scales it', { timeout: 120_000 }, async (t) => {
  const kubectl = await kubectlFor(t)
  const definition = tableDefinition(
    {
      size: { type: 'integer', minimum: 1, default: 4, description: 'How many people sit at it.' },
      wood: { type: 'string', enum: ['oak', 'pine'] },
    },
    {
      subresources: { status: {}, scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' } },
      additionalPrinterColumns: [
        { name: 'Wood', type: 'string', jsonPath: '.spec.wood' },
        { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      ],
    },
  )
  const made = await kubectl(['apply', '-f', '-'], JSON.stringify(definition))
  t.equal(made.out, 'customresourcedefinition.apiextensions.k8s.io/tables.example.com created', made.err)
  const waited = await kubectl(['wait', '--for=condition=established', '--timeout=10s', 'crd/tables.example.com'])
  t.equal(waited.code, 0, waited.err)

  const applied = await kubectl(['apply', '-f', '-'], table('dinner', { wood: 'oak' }))
  t.equal(applied.out, 'table.example.com/dinner created', applied.err)
  const changed = await kubectl(['apply', '-f', '-'], table('dinner', { wood: 'pine' }))
  t.equal(changed.out, 'table.example.com/dinner configured', changed.err)
  const shown = await kubectl(['get', 'tb'])
  t.match(shown.out, /^NAME +WOOD +AGE\ndinner +pine +\d+s$/, shown.err)
  t.match((await kubectl(['get', 'all'])).out, /table\.example\.com\/dinner/)
  t.match((await kubectl(['api-resources', '--api-group=example.com'])).out, /tables +tb +example\.com.* +true +Table/)
  const explained = await kubectl(['explain', 'tables.spec.size'])
  t.match(explained.out, /How many people sit at it/, explained.err)
  t.match((await kubectl(['explain', 'tables'])).out, /APIVersion defines(.*\n)*.*Standard object's metadata/)
  t.match((await kubectl(['explain', 'tables.metadata'])).out, /CreationTimestamp is a timestamp/)
  const unknown = await kubectl(['apply', '-f', '-'], table('other', { colour: 'red' }))
  t.match(unknown.err, /unknown field "(spec\.)?colour"/)
  const wrong = await kubectl(['apply', '-f', '-', '--validate=false'], table('other', { size: 0 }))
  t.match(wrong.err, /spec\.size: Invalid value: 0: spec\.size in body should be greater than or equal to 1/)
  const scaled = await kubectl(['scale', 'table/dinner', '--replicas=6'])
  t.equal(scaled.out, 'table.example.com/dinner scaled', scaled.err)
  t.equal((await kubectl(['get', 'table', 'dinner', '-o', 'jsonpath={.spec.size}'])).out, '6')
  const serverSide = await kubectl(['apply', '--server-side', '-f', '-'], table('applied', { size: 2 }))
  t.equal(serverSide.out, 'table.example.com/applied serverside-applied', serverSide.err)
  const gone = await kubectl(['delete', 'crd', 'tables.example.com', '--timeout=30s'])
  t.equal(gone.code, 0, gone.err)
  t.match(
    (await kubectl(['get', 'tables'])).err,
    /the server (doesn.t have a resource type "tables"|could not find the requested resource)/,
  )
})
