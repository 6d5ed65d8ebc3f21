/** Extenders over TLS: nobody is asked whose certificate is not good, and they see ours. */
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import t from 'tap'
import { createAuthority, issueCertificate, validFor } from '../../../../src/api/certificates.ts'
import { createExtenderClient } from '../../../../src/control/scheduler/extenders/client.ts'
import { loadScheduler } from '../../../../src/control/scheduler/load.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

t.test('TLS', async (t) => {
  const validity = validFor(1, Date.now())
  const authority = await createAuthority('extenders', validity)
  const server = await issueCertificate(authority, { commonName: 'e', dnsNames: ['extender.lab'] }, validity, 'server')
  const client = await issueCertificate(authority, { commonName: 'podway' }, validity, 'client')
  const listener = createServer(
    { ...server, ca: authority.cert, requestCert: true, rejectUnauthorized: false },
    ({ socket }, response) => {
      const { CN } = socket instanceof TLSSocket ? (socket.getPeerCertificate().subject ?? {}) : {}
      response.end(JSON.stringify([CN ?? 'nobody']))
    },
  )
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const folder = await mkdtemp(join(tmpdir(), 'podway-extender-'))
  t.teardown(async () => {
    listener.closeAllConnections()
    listener.close()
    await rm(folder, { recursive: true })
  })
  const place = listener.address()
  const urlPrefix = `https://127.0.0.1:${typeof place === 'object' && place ? place.port : 0}`
  const config = join(folder, 'config.yaml')
  await writeFile(join(folder, 'ca.crt'), authority.cert)

  const askWith = async (tlsConfig: object): Promise<unknown> => {
    await writeFile(
      config,
      JSON.stringify({
        ...{ apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration' },
        extenders: [{ urlPrefix, filterVerb: 'filter', enableHTTPS: true, tlsConfig }],
      }),
    )
    const [settings] = (await loadScheduler({ config, plugins: [] })).extenders
    if (!settings) throw new Error('no extender')
    const asking = createExtenderClient(settings)
    try {
      return await asking.ask('filter', {}, (answer) => answer, new AbortController().signal)
    } finally {
      asking.close()
    }
  }

  const serverName = 'extender.lab'
  const caFile = join(folder, 'ca.crt')
  const own = { certData: base64(client.cert), keyData: base64(client.key) }
  t.same(await askWith({ serverName, caFile, ...own }), ['podway'])
  t.same(await askWith({ serverName, caData: base64(authority.cert) }), ['nobody'])
  t.same(await askWith({ insecure: true }), ['nobody'])
  const failed = /^failed filter with extender at URL https:\/\/127\.0\.0\.1:\d+\/filter: /
  await t.rejects(askWith({ serverName }), { message: failed }, 'an authority that nobody has named')
  await t.rejects(askWith({}), { message: failed }, 'enableHTTPS alone trusts nobody')
  await t.rejects(askWith({ serverName: 'other.lab', caFile }), { message: failed }, 'another name')
})
