import { appendFileSync, writeFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { configPage } from '../../../../src/agent/server/config-page.ts'
import { createHttpHandlers } from '../../../../src/agent/server/http.ts'
import { RequestError } from '../../../../src/agent/server/log-query.ts'
import { createRoutes } from '../../../../src/agent/server/routes.ts'
import { createAgentServer, type Peer } from '../../../../src/agent/server/server.ts'
import { createAuthority, issueCertificate, type KeyPair, validFor } from '../../../../src/api/certificates.ts'
import { silentLogger } from '../../../../src/host/log.ts'
import { until } from '../../../support/until.ts'
import { pod, sandbox } from '../pods/builders.ts'

const refuse = async () => {
  throw new RequestError(404, 'nothing to upgrade to')
}

const serve = async (t: Test, authorize: (peer: Peer) => boolean = ({ name }) => name === 'apiserver') => {
  const validity = validFor(1, Date.now())
  const ca = await createAuthority('test', validity)
  const serverPair = await issueCertificate(ca, { commonName: 'node-a', addresses: ['127.0.0.1'] }, validity, 'server')
  const logFile = join(t.testdir(), '0.log')
  writeFileSync(logFile, 'one\ntwo\n')
  const found = sandbox([{ name: 'main' }])
  const state = { exit: undefined as { code: number; finishedAt: number; oomKilled: boolean } | undefined }
  const configz = configPage({ port: 0, clusterDomain: 'cluster.local', clusterDNS: ['10.96.0.10'], maxPods: 110 })
  const answer = createRoutes({
    pages: {
      configz,
      'stats/summary': async (query) => ({ status: 200, type: 'text/plain', body: `${query.get('x')}` }),
    },
    pods: { get: (key) => (key === 'default/web' ? pod() : undefined), values: () => [pod()] },
    runtimes: {
      sandboxes: {
        list: async () => [
          {
            ...found,
            containers: found.containers.map((each) => ({
              ...each,
              logFile,
              ...(state.exit ? { exit: state.exit } : {}),
            })),
          },
        ],
      },
    },
  })
  const server = createAgentServer({
    ...{ handlers: createHttpHandlers(answer, refuse, silentLogger), authorize, host: '127.0.0.1', port: 0 },
    log: silentLogger,
    ca: ca.cert,
    certificate: { first: Promise.resolve(serverPair), onRenewed: () => undefined },
  })
  const stop = new AbortController()
  const running = server.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await running
  })
  const port = await server.listening
  const client = await issueCertificate(
    ca,
    { commonName: 'apiserver', organizations: ['system:masters'] },
    validity,
    'client',
  )

  const ask = (path: string, as: KeyPair | undefined = client, onData?: (text: string) => void, method = 'GET') =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const request = httpsRequest(
        {
          host: '127.0.0.1',
          port,
          path,
          method,
          ca: ca.cert,
          agent: false,
          ...(as ? { key: as.key, cert: as.cert } : {}),
        },
        (response) => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => {
            text += chunk
            onData?.(text)
          })
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
          response.on('error', reject)
        },
      )
      request.on('error', reject)
      request.end()
    })
  return { ask, ca, validity, logFile, state, stop }
}

t.test('the paths', async (t) => {
  const { ask } = await serve(t)
  t.same(await ask('/healthz'), { status: 200, text: 'ok' })
  const { text } = await ask('/pods')
  t.match(JSON.parse(text), { kind: 'PodList', items: [{ metadata: { name: 'web' } }] })
  t.equal((await ask('/containerLogs/default/web/main')).text, 'one\ntwo\n')
  t.equal((await ask('/containerLogs/default/web/main?tailLines=1')).text, 'two\n')
  t.match(await ask('/containerLogs/default/web/main?tailLines=x'), { status: 422 })
  t.match(await ask('/containerLogs/default/web/other'), {
    status: 404,
    text: 'container "other" not found in pod "web"',
  })
  t.match(await ask('/containerLogs/default/gone/main'), { status: 404, text: /pod "gone" not found/ })
  t.match(await ask('/containerLogs/default/%E0%A4%A/main'), { status: 404 })
  t.match(await ask('/containerLogs/default/web'), { status: 404 })
  t.match(await ask('/exec'), { status: 404 })
  t.same(await ask('/stats/summary?x=1'), { status: 200, text: '1' })
  for (const path of ['/stats', '/stats/summary/more', '/constructor', '/__proto__'])
    t.match(await ask(path), { status: 404 })
  t.same(JSON.parse((await ask('/configz')).text), {
    kubeletconfig: { enableServer: true, clusterDomain: 'cluster.local', clusterDNS: ['10.96.0.10'], maxPods: 110 },
  })
  t.match(await ask('/healthz', undefined, undefined, 'POST'), { status: 405 })
})

t.test('a log is followed to the end of its container', async (t) => {
  const { ask, logFile, state } = await serve(t)
  let seen = ''
  const following = ask('/containerLogs/default/web/main?follow=true', undefined, (text) => {
    seen = text
  })
  await until(() => seen === 'one\ntwo\n', 'what is there')
  appendFileSync(logFile, 'three\n')
  await until(() => seen.endsWith('three\n'), 'what comes')
  appendFileSync(logFile, 'four\n')
  state.exit = { code: 0, finishedAt: 0, oomKilled: false }
  t.equal((await following).text, 'one\ntwo\nthree\nfour\n')
})

t.test('who may ask', async (t) => {
  const { ask, ca, validity } = await serve(t)
  const other = await issueCertificate(
    ca,
    { commonName: 'node-b', organizations: ['system:nodes'] },
    validity,
    'client',
  )
  for (const path of ['/healthz', '/pods', '/stats/summary', '/configz'])
    t.same(await ask(path, other), { status: 403, text: 'Forbidden: user=node-b' }, path)
  const foreignCa = await createAuthority('test', validity)
  const foreign = await issueCertificate(foreignCa, { commonName: 'apiserver' }, validity, 'client')
  await t.rejects(ask('/healthz', foreign), 'of another cluster')
})

t.test('nobody without a certificate', async (t) => {
  const peers: Peer[] = []
  const { ask } = await serve(t, (peer) => {
    peers.push(peer)
    return true
  })
  await ask('/healthz')
  t.same(peers, [{ name: 'apiserver', groups: ['system:masters'] }])
  await t.rejects(ask('/healthz', { cert: '', key: '' }))
  t.equal(peers.length, 1)
})

t.test('stopping ends the followers', async (t) => {
  const { ask, stop } = await serve(t)
  let seen = ''
  const following = ask('/containerLogs/default/web/main?follow=true', undefined, (text) => {
    seen = text
  }).catch((error: unknown) => error)
  await until(() => seen !== '', 'the follower')
  stop.abort()
  t.ok(await following, 'the connection ended')
})
