/** Who comes in by what, what others say of callers, and what is written of it all. */

import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { renderKubeconfig } from '../../src/api/kubeconfig.ts'
import { startControl, testFolder } from '../support/running-control.ts'
import { serve } from '../support/serve.ts'
import { until } from '../support/until.ts'

/** Who a caller is to the server, or why it is nobody. */
const whoIs = async (server: { port: number; ca: string }, authorization?: string): Promise<string> => {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
    const headers = { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) }
    const sent = request({ host: '127.0.0.1', ...server, path, headers, method: 'POST', agent: false }, resolve)
    sent.once('error', reject)
    sent.end('{}')
  })
  const { status, message } = JSON.parse(await text(response)) as {
    status: { userInfo?: { username: string; groups: string[] } }
    message?: string
  }
  return message ?? `${status.userInfo?.username} ${status.userInfo?.groups}`
}

t.test('callers by token and by password', async (t) => {
  const folder = await testFolder(t)
  const [tokenFile, passwordFile] = [join(folder, 'tokens'), join(folder, 'passwords')]
  await writeFile(tokenFile, 'secret,alice,u1,"dev"\n')
  await writeFile(passwordFile, 'word,bob,u2\n')
  const { port, ca } = await startControl(t, { authentication: { tokenFile, passwordFile } })
  const ask = (authorization: string) => whoIs({ port, ca }, authorization)
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
  t.equal(await ask('Bearer secret'), 'alice dev,system:authenticated')
  t.equal(await ask(basic('bob:word')), 'bob system:authenticated')
  for (const wrong of ['Bearer word', basic('bob:secret'), basic('alice:secret')])
    t.equal(await ask(wrong), 'Unauthorized')
})

t.test('the audit log', async (t) => {
  const folder = await testFolder(t)
  const [policyFile, path] = [join(folder, 'policy.yaml'), join(folder, 'audit.log')]
  await writeFile(
    policyFile,
    `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - {level: None, users: [podway:control]}
  - {level: Request, resources: [{group: '', resources: [configmaps]}]}
  - {level: Metadata}
`,
  )
  const audit = { policyFile, path, maxBytes: 1024 * 1024, maxBackups: 1, maxAgeDays: 0 }
  const { kubectl } = await startControl(t, { audit })
  await kubectl('create', 'configmap', 'c', '--from-literal', 'a=b')
  await kubectl('get', 'secrets', '--as', 'alice')
  const events = async () =>
    (await readFile(path, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { objectRef?: { resource: string; name?: string }; verb: string })
  const about = async (resource: string) => (await events()).filter(({ objectRef }) => objectRef?.resource === resource)
  await until(async () => (await about('secrets')).length > 0, 'the events', 30_000)
  t.match(
    (await about('configmaps')).find(({ verb }) => verb === 'create'),
    {
      ...{ level: 'Request', stage: 'ResponseComplete', responseStatus: { code: 201 }, sourceIPs: ['127.0.0.1'] },
      ...{ user: { username: 'podway-admin' }, requestObject: { data: { a: 'b' } } },
    },
  )
  t.match(await about('secrets'), [
    {
      ...{ verb: 'list', impersonatedUser: { username: 'alice', groups: ['system:authenticated'] } },
      responseStatus: { code: 403, reason: 'Forbidden' },
      annotations: { 'authorization.k8s.io/decision': 'forbid' },
    },
  ])
  t.match(await kubectl('get', '--raw', '/metrics'), /^apiserver_audit_event_total [1-9]\d*$/m)
})

/** Answers reviews; resolves to a kubeconfig that leads to it. */
const serveReviews = async (t: Test, folder: string, answer: (spec: Spec) => object): Promise<string> => {
  const server = createServer(async (asked, response) => {
    const { spec, ...review } = JSON.parse(await text(asked)) as { spec: Spec }
    const status = asked.url === '/reviews?by=us' ? answer(spec) : {}
    response.end(JSON.stringify({ ...review, spec, status }))
  })
  const port = await serve(t, server)
  const file = join(folder, `reviews-${port}`)
  await writeFile(file, renderKubeconfig('reviews', { server: `http://127.0.0.1:${port}/reviews?by=us` }))
  return file
}

interface Spec {
  readonly token?: string
  readonly user?: string
  readonly resourceAttributes?: { readonly resource: string; readonly verb: string }
}

t.test('somebody else says who a caller is, and what they may', async (t) => {
  const folder = await testFolder(t)
  const tokens = await serveReviews(t, folder, ({ token }) => ({
    authenticated: token === 'known',
    user: { username: 'carol', groups: ['far'] },
  }))
  const access = await serveReviews(t, folder, ({ user, resourceAttributes }) => ({
    allowed: user === 'carol' && resourceAttributes?.resource === 'selfsubjectreviews',
  }))
  const { port, ca, kubectl } = await startControl(t, {
    authentication: { webhook: { configFile: tokens, version: 'v1', cacheSeconds: 60 }, allowsAnonymous: false },
    authorization: {
      modes: ['Webhook'],
      webhook: { configFile: access, version: 'v1', authorizedSeconds: 60, unauthorizedSeconds: 60 },
    },
  })
  t.equal(await whoIs({ port, ca }, 'Bearer known'), 'carol far,system:authenticated')
  t.equal(await whoIs({ port, ca }, 'Bearer unknown'), 'Unauthorized')
  t.equal(await whoIs({ port, ca }), 'Unauthorized', 'nobody is anonymous here')
  t.match(
    await kubectl('get', '--raw', '/api/v1/pods', '--as', 'carol'),
    /User "carol" cannot list resource "pods" in API group "" at the cluster scope/,
  )
  t.match(await kubectl('get', 'pods'), /^No resources found/, 'administrators stay in')
})
