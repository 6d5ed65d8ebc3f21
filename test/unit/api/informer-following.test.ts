/** What an informer does about kinds that are quiet, absent or refused, and how long it waits after which failure. */
import t, { type Test } from 'tap'
import { createClient } from '../../../src/api/client.ts'
import { createFakeClock } from '../../../src/api/clock.ts'
import { ApiError, expired, forbidden } from '../../../src/api/errors.ts'
import { createInformer } from '../../../src/api/informer.ts'
import { gateways, type Resource, services } from '../../../src/api/resources.ts'
import type { ApiRequest, ApiTransport } from '../../../src/api/transport.ts'
import type { KubeObject, WatchEvent } from '../../../src/api/types/index.ts'
import { until } from '../../support/until.ts'

const plainNotFound = (): ApiError => new ApiError(404, '', 'the server answered 404: 404 page not found')
const broken = (): Error => new Error('connect ECONNREFUSED 127.0.0.1:6443')

interface Watch {
  readonly query: Readonly<Record<string, string>>
  push(event: WatchEvent): void
  /** The server's end of it; with an error, a failure. */
  end(error?: Error): void
}

/** A server whose answers the test gives by path; watches are played by hand. */
const createServer = (answers: Record<string, unknown>) => {
  const watches: Watch[] = []
  const asked: string[] = []
  const transport: ApiTransport = {
    request: async ({ path }: ApiRequest) => {
      asked.push(path)
      const answer = answers[path]
      if (answer instanceof Error) throw answer
      if (answer === undefined) throw plainNotFound()
      return answer
    },
    watch: async function* ({ query = {} }, signal) {
      const queue: (WatchEvent | Error | 'end')[] = []
      let wake: (() => void) | undefined
      const push = (one: WatchEvent | Error | 'end'): void => {
        queue.push(one)
        wake?.()
      }
      const refusal = answers['watch']
      if (refusal instanceof Error) throw refusal
      signal.addEventListener('abort', () => push(new Error('aborted')))
      watches.push({ query, push, end: (error) => push(error ?? 'end') })
      for (;;) {
        while (queue.length === 0)
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        const one = queue.shift()
        if (one instanceof Error) throw one
        if (one === 'end' || one === undefined) return
        yield one
      }
    },
  }
  return { transport, watches, asked, answers }
}

const listOf = (...names: readonly string[]) => ({
  metadata: { resourceVersion: '5' },
  items: names.map((name) => ({ metadata: { name, namespace: 'default', resourceVersion: '1' } })),
})

const gatewayPath = '/apis/gateway.networking.k8s.io/v1/gateways'
const gatewayGroup = {
  kind: 'APIGroupList',
  groups: [
    {
      name: 'gateway.networking.k8s.io',
      versions: [{ groupVersion: 'gateway.networking.k8s.io/v1', version: 'v1' }],
    },
  ],
}
const gatewayKinds = { kind: 'APIResourceList', resources: [{ name: 'gateways' }] }

const followed = (t: Test, answers: Record<string, unknown>, resource: Resource<KubeObject> = services) => {
  const server = createServer(answers)
  const clock = createFakeClock()
  const stop = new AbortController()
  const failures: string[] = []
  const waits: number[] = []
  const informer = createInformer(createClient(server.transport), resource, {
    ...{ clock, random: () => 0 },
    onError: (error, retryInMs) => {
      failures.push(error instanceof Error ? error.message : String(error))
      waits.push(retryInMs)
    },
  })
  const running = informer.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    clock.advance(60_000)
    await running
  })
  /** Lets time pass until it is so: who sleeps may not have begun to. */
  const passing = (condition: () => boolean, what: string, stepMs = 10_000): Promise<unknown> =>
    until(() => {
      if (condition()) return true
      clock.advance(stepMs)
      return condition()
    }, what)
  return { ...server, clock, informer, failures, waits, passing }
}

const servicePath = '/api/v1/services'

t.test('a quiet kind is watched for as long as the server lets it, and its end is no failure', async (t) => {
  const { clock, watches, failures } = followed(t, { [servicePath]: listOf() })
  await until(() => watches.length === 1, 'the watch')
  t.equal(watches[0]?.query['timeoutSeconds'], '300')
  clock.advance(299_000)
  t.equal(watches.length, 1, 'nothing for five minutes: still the same watch')
  watches[0]?.end()
  await until(() => watches.length === 2, 'the next one')
  t.equal(watches[1]?.query['resourceVersion'], '5')
  t.same(failures, [])

  clock.advance(331_000)
  await until(() => watches.length === 3, 'another one in place of one that the server forgot to end')
  t.same(failures, [])
})

t.test('a watch that has lived begins the waits anew, a short one does not', async (t) => {
  const { clock, watches, waits } = followed(t, { [servicePath]: listOf() })
  for (const [at, { lived, wait }] of [
    { lived: 0, wait: 200 },
    { lived: 1_000, wait: 400 },
    { lived: 9_000, wait: 800 },
    { lived: 10_000, wait: 200 },
    { lived: 80_000, wait: 200 },
  ].entries()) {
    await until(() => watches.length === at + 1, `watch ${at}`)
    clock.advance(lived)
    watches[at]?.end(broken())
    await until(() => waits.length === at + 1, 'the failure')
    t.equal(waits[at], wait, `after ${lived} ms`)
    clock.advance(wait)
  }
})

t.test('a good list begins the waits for lists anew', async (t) => {
  const { clock, watches, waits, answers, passing } = followed(t, { [servicePath]: broken() })
  for (const wait of [200, 400, 800, 1_600]) {
    await until(() => waits.at(-1) === wait, `a wait of ${wait}`)
    if (wait === 1_600) answers[servicePath] = listOf('web')
    clock.advance(wait)
  }
  await until(() => watches.length === 1, 'the watch')
  watches[0]?.end(broken())
  await until(() => waits.length === 5, 'the failure')
  t.equal(waits[4], 200, 'the failures of the time before are past')
  clock.advance(200)
  await until(() => watches.length === 2, 'the next watch')
  answers[servicePath] = broken()
  watches[1]?.end(expired('too old'))
  await passing(() => waits.length === 7, 'the expiry, and the list that fails', 400)
  t.same(waits.slice(5), [400, 200])
})

t.test('a kind that the server does not have: there are none, until it has it', async (t) => {
  const none = { kind: 'APIGroupList', groups: [] }
  const { informer, watches, failures, answers, asked, passing } = followed(t, { '/apis': none }, gateways)
  await informer.synced
  t.same([informer.size, failures], [0, []])
  await passing(() => asked.filter((path) => path === gatewayPath).length === 2, 'another look')
  answers['/apis'] = gatewayGroup
  answers['/apis/gateway.networking.k8s.io/v1'] = gatewayKinds
  answers[gatewayPath] = listOf('public')
  await passing(() => informer.size === 1, 'the Gateway')
  await until(() => watches.length === 1, 'the watch')

  delete answers[gatewayPath]
  answers['/apis'] = none
  watches[0]?.end(plainNotFound())
  await until(() => failures.length === 1, 'the end of the watch')
  await passing(() => asked.at(-1) === '/apis', 'a look', 200)
  t.equal(informer.size, 1, 'a server that starts does not know all of its kinds yet')
  await passing(() => informer.size === 0, 'what was copied to be dropped', 1_000)
})

t.test('a 404 of somebody in between is not taken for an answer', async (t) => {
  const { informer, waits, failures } = followed(t, {})
  await until(() => waits.length === 1, 'the failure')
  t.match(failures[0], /404 page not found/)
  t.notOk(informer.isSynced)
})

t.test('a kind that is refused: said, not taken for empty, and nobody has to wait', async (t) => {
  const refused = forbidden({ group: '', plural: 'services' }, '', 'User "a" cannot list resource "services"')
  const { clock, informer, failures, answers } = followed(t, {
    [servicePath]: refused,
    '/api/v1': { kind: 'APIResourceList', resources: [{ name: 'services' }] },
  })
  await informer.settled
  await until(() => failures.length === 1, 'the refusal')
  t.match(failures, [/User "a" cannot list resource "services"/])
  t.notOk(informer.isSynced)
  answers[servicePath] = listOf('web')
  clock.advance(200)
  await informer.synced
  t.equal(informer.size, 1, 'as soon as it is allowed')
})

t.test('a kind that is both refused and absent is absent', async (t) => {
  const refused = forbidden({ group: 'gateway.networking.k8s.io', plural: 'gateways' }, '', 'User "a" cannot')
  const { informer, failures } = followed(
    t,
    { [gatewayPath]: refused, '/apis': { kind: 'APIGroupList', groups: [] } },
    gateways,
  )
  await informer.synced
  t.same(failures, [])
})

t.test('a kind that is absent is looked for as soon as it may be there', async (t) => {
  const { transport, asked, answers } = createServer({ '/apis': { kind: 'APIGroupList', groups: [] } })
  const stop = new AbortController()
  let changed: () => void = () => undefined
  const informer = createInformer(createClient(transport), gateways, {
    clock: createFakeClock(),
    onceServed: (signal) =>
      new Promise((resolve) => {
        changed = resolve
        signal.addEventListener('abort', () => resolve(), { once: true })
      }),
  })
  const run = informer.run(stop.signal)
  await informer.synced
  const before = asked.length
  answers[gatewayPath] = { metadata: { resourceVersion: '5' }, items: [] }
  await until(() => {
    changed()
    return asked.slice(before).includes(gatewayPath)
  }, 'the next look')
  stop.abort()
  await run
  t.notOk(informer.size, 'and it ends when it should')
})

t.test('who may list and not watch gets a new list each time', async (t) => {
  const refused = forbidden({ group: '', plural: 'services' }, '', 'User "a" cannot watch resource "services"')
  const { clock, informer, waits, answers } = followed(t, { [servicePath]: listOf('one'), watch: refused })
  await until(() => waits.length === 1, 'the refusal')
  answers[servicePath] = listOf('one', 'two')
  clock.advance(200)
  await until(() => informer.size === 2, 'the second')
})

t.test('what is followed is kept without its managers, which nobody who follows it asks for', async (t) => {
  const managed = (name: string) => ({
    metadata: {
      name,
      namespace: 'default',
      resourceVersion: '7',
      managedFields: [{ manager: 'kubectl', fieldsV1: {} }],
    },
  })
  const { informer, watches } = followed(t, {
    [servicePath]: { metadata: { resourceVersion: '5' }, items: [managed('listed')] },
  })
  await until(() => watches.length === 1, 'the watch')
  watches[0]?.push({ type: 'ADDED', object: managed('told') as unknown as KubeObject })
  await until(() => informer.get('default/told') !== undefined, 'the object')
  for (const name of ['listed', 'told'])
    t.strictSame(informer.get(`default/${name}`)?.metadata, { name, namespace: 'default', resourceVersion: '7' })
})
