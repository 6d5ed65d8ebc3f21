/** Two control planes on one etcd: either answers for both, one does the work, and the other takes over. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import t, { type Test } from 'tap'
import { createClient } from '../../src/api/client.ts'
import { openTransport } from '../../src/api/http-transport.ts'
import { configMaps, deployments, endpointSlices, endpoints, leases, pods } from '../../src/api/resources.ts'
import { createCommandRunner } from '../../src/host/command.ts'
import { startEtcd } from '../support/etcd.ts'
import { until } from '../support/until.ts'

const runner = createCommandRunner()
const folder = mkdtempSync(join(tmpdir(), 'podway-planes-'))
t.teardown(() => rmSync(folder, { recursive: true }))

const addresses = ['192.0.2.1', '192.0.2.2'] as const

interface Plane {
  readonly kubeconfig: string
  readonly data: string
  readonly client: ReturnType<typeof createClient>
  log(): string
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

const podway = (...args: readonly string[]) => ['--disable-warning=ExperimentalWarning', 'src/main.ts', ...args]

const begin = (t: Test, name: string, args: readonly string[], input = ''): { child: ChildProcess; log: string } => {
  const log = join(folder, `${name}.log`)
  const child = spawn(process.execPath, podway(...args), { stdio: ['pipe', 'ignore', 'pipe'] })
  child.stdin?.end(input)
  const file = createWriteStream(log, { flags: 'a' })
  child.stderr?.pipe(file)
  t.teardown(async () => {
    child.kill('SIGKILL')
    await finished(file).catch(() => undefined)
  })
  return { child, log }
}

const startPlane = async (
  t: Test,
  name: string,
  address: string,
  endpoints: readonly string[],
  token?: string,
): Promise<Plane> => {
  const data = join(folder, name)
  rmSync(join(data, 'admin.kubeconfig'), { force: true })
  const { child, log } = begin(
    t,
    name,
    [
      ...['control', '--bind', address, '--data', data, '--etcd-servers', endpoints.join(',')],
      ...(token === undefined ? [] : ['--token-file', '-']),
    ],
    token,
  )
  const ended = once(child, 'exit')
  const kubeconfig = join(data, 'admin.kubeconfig')
  await until(() => existsSync(kubeconfig) || child.exitCode !== null, `control plane ${name}`, 60_000)
  if (child.exitCode !== null) throw new Error(readFileSync(log, 'utf8'))
  const { transport } = await openTransport(kubeconfig)
  t.teardown(transport.close)
  return {
    ...{ kubeconfig, data, client: createClient(transport) },
    log: () => readFileSync(log, 'utf8'),
    end: async (signal) => {
      child.kill(signal)
      await ended
    },
  }
}

const run = async (...args: readonly string[]): Promise<string> => runner.run(process.execPath, podway(...args))

t.test('two control planes', { timeout: 240_000 }, async (t) => {
  for (const address of addresses) await runner.run('ip', ['address', 'add', `${address}/32`, 'dev', 'lo'])
  const { endpoints: etcd } = await startEtcd(t)
  const first = await startPlane(t, 'first', addresses[0], etcd)

  const stranger = begin(t, 'stranger', [
    ...['control', '--bind', addresses[1], '--data', join(folder, 'stranger'), '--etcd-servers', etcd.join(',')],
  ])
  const [code] = await once(stranger.child, 'exit')
  t.not(code, 0, 'without the keys of the cluster none begins')
  await until(() => /token create --control-plane/.test(readFileSync(stranger.log, 'utf8')), 'and it says what to do')

  const token = await run('token', 'create', '--control-plane', '--data', first.data, '-o', 'token')
  const second = await startPlane(t, 'second', addresses[1], etcd, token)
  for (const name of ['ca.crt', 'ca.key', 'sa.key', 'sa.pub'])
    t.equal(
      readFileSync(join(second.data, 'pki', name), 'utf8'),
      readFileSync(join(first.data, 'pki', name), 'utf8'),
      name,
    )
  t.not(
    readFileSync(join(second.data, 'pki/server.key'), 'utf8'),
    readFileSync(join(first.data, 'pki/server.key'), 'utf8'),
  )

  for (let n = 0; n < 20; n++) {
    const object = { metadata: { name: `a${n}`, namespace: 'default' }, data: { n: `${n}` } }
    await first.client.create(configMaps, object)
    t.match(
      await second.client.get(configMaps, `a${n}`, 'default'),
      { data: { n: `${n}` } },
      'written here, read there',
    )
    await second.client.delete(configMaps, object)
    await first.client.create(configMaps, object)
    await t.rejects(second.client.create(configMaps, object), { code: 409 })
  }

  const served = async ({ client }: Plane): Promise<string> => {
    const { subsets = [] } = await client.get(endpoints, 'kubernetes', 'default')
    const { items } = await client.list(endpointSlices, { labelSelector: 'kubernetes.io/service-name=kubernetes' })
    const ofSlices = items.flatMap((slice) => slice.endpoints.flatMap((each) => each.addresses)).join()
    const ofEndpoints = subsets.flatMap((subset) => (subset.addresses ?? []).map(({ ip }) => ip)).join()
    return ofSlices === ofEndpoints ? ofSlices : `${ofSlices} or ${ofEndpoints}`
  }
  await until(async () => (await served(second)) === addresses.join(), 'both in the Service kubernetes', 20_000)

  const leader = async ({ client }: Plane) =>
    (await client.get(leases, 'podway-controllers', 'kube-system')).spec?.holderIdentity
  const before = await leader(second)
  t.ok(before)
  t.equal(/"leading"/.test(second.log()), false, 'one leads')

  const killedAt = Date.now()
  await first.end('SIGKILL')
  await until(async () => (await leader(second)) !== before, 'another leader', 20_000)
  t.ok(Date.now() - killedAt <= 15_000, `takes over within ${Date.now() - killedAt} ms`)
  const spec = {
    selector: { matchLabels: { app: 'a' } },
    template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'a', image: 'a' }] } },
  }
  await second.client.create(deployments, { metadata: { name: 'a', namespace: 'default' }, spec })
  await until(async () => (await second.client.list(pods)).items.length === 1, 'its controllers at work')
  await until(async () => (await served(second)) === addresses[1], 'the dead one leaves the Service', 20_000)

  const again = await startPlane(t, 'first', addresses[0], etcd)
  await until(async () => (await served(again)) === addresses.join(), 'it is back', 20_000)
  const stoppedAt = Date.now()
  await second.end('SIGTERM')
  await until(() => (again.log().match(/"leading"/g) ?? []).length === 2, 'the next leader')
  t.ok(Date.now() - stoppedAt <= 3_000, `after a clean stop at once: ${Date.now() - stoppedAt} ms`)
  await until(async () => (await served(again)) === addresses[0], 'only the other in the Service', 10_000)
})
