/** Addresses of Gateways in the kernel. */
import { createServer } from 'node:http'
import { connect } from 'node:net'
import t from 'tap'
import { createCommandRunner } from '../../src/host/command.ts'
import { createIproute } from '../../src/host/iproute.ts'
import { silentLogger } from '../../src/host/log.ts'
import { detectBackend } from '../../src/host/netfilter/backend.ts'
import { createNetfilter } from '../../src/host/netfilter/netfilter.ts'
import { cleanupOwnAddresses, createOwnAddresses } from '../../src/proxy/ingress/own-addresses.ts'
import { until } from '../support/until.ts'

const runner = createCommandRunner()
const iproute = createIproute(runner)
const { backend } = await detectBackend(runner)
const netfilters = (['IPv4', 'IPv6'] as const).map((family) => createNetfilter(runner, family, backend))

const local = async (): Promise<readonly string[]> => {
  const all = await Promise.all(
    ['-4', '-6'].map((flag) => runner.run('ip', [flag, 'route', 'show', 'table', 'local', 'proto', '118'])),
  )
  return all
    .join('\n')
    .split('\n')
    .filter(Boolean)
    .map((text) => text.split(' ')[1] ?? '')
    .sort()
}

const outcome = (address: string, port: number): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: 2_000 })
    const end = (text: string): void => {
      socket.destroy()
      resolve(text)
    }
    socket.on('connect', () => end('in'))
    socket.on('timeout', () => end('silent'))
    socket.on('error', (error) => end('code' in error ? String(error.code) : error.message))
  })

await runner.run('ip', ['link', 'set', 'lo', 'up'])

t.test('addresses come, are repaired, and go', async (t) => {
  const servers = await Promise.all(
    [8080, 9090].map(
      (port) =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer((_, response) => response.end('ok')).listen(port, '::', () => resolve(server))
        }),
    ),
  )
  t.teardown(() => {
    for (const server of servers) server.close()
  })
  const own = createOwnAddresses({ iproute, netfilters, log: silentLogger, resyncMs: 100 })
  const stop = new AbortController()
  const done = own.run(stop.signal)
  await own.hold([
    { address: '192.0.2.7', ports: [8080] },
    { address: '2001:db8::7', ports: [8080] },
  ])
  t.same(await local(), ['192.0.2.7', '2001:db8::7'])
  for (const address of ['192.0.2.7', '2001:db8::7']) {
    t.equal(await outcome(address, 8080), 'in', address)
    t.equal(await outcome(address, 9090), 'ECONNREFUSED', `${address}: what else listens is not reached`)
  }
  await runner.run('ip', ['route', 'del', 'local', '192.0.2.7', 'dev', 'lo', 'table', 'local'])
  t.ok(await until(async () => (await local()).includes('192.0.2.7'), 'the route again'))
  await own.hold([{ address: '192.0.2.8', ports: [8080] }])
  t.same(await local(), ['192.0.2.8'], 'the others are gone')
  stop.abort()
  await done
  t.same(await local(), ['192.0.2.8'], 'an end leaves them')
  await own.hold([])
  t.same(await local(), ['192.0.2.8'], 'and does not wait for what will not come')

  const next = createOwnAddresses({ iproute, netfilters, log: silentLogger })
  const end = new AbortController()
  const ended = next.run(end.signal)
  await next.hold([])
  t.same(await local(), [], 'the next agent takes away what nobody wants')
  end.abort()
  await ended
})

t.test('what fails is tried again, and holds nobody up', async (t) => {
  const own = createOwnAddresses({
    iproute: { ...iproute, ip: () => Promise.reject(new Error('no')) },
    ...{ netfilters, log: silentLogger },
  })
  const stop = new AbortController()
  const done = own.run(stop.signal)
  await own.hold([{ address: '192.0.2.9', ports: [8080] }])
  t.same(await local(), [])
  stop.abort()
  await done
})

t.test('cleanup leaves nothing', async (t) => {
  await runner.run('ip', ['route', 'add', 'local', '192.0.2.7', 'dev', 'lo', 'table', 'local', 'proto', '118'])
  for (const netfilter of netfilters) await cleanupOwnAddresses(iproute, netfilter)
  t.same(await local(), [])
  for (const netfilter of netfilters) t.notMatch(await netfilter.save('filter'), /PODWAY/)
})
