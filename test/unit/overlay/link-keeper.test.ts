import t from 'tap'
import { CommandError, type CommandRunner } from '../../../src/host/command.ts'
import { createIproute } from '../../../src/host/iproute.ts'
import { silentLogger } from '../../../src/host/log.ts'
import { createLinkKeeper } from '../../../src/overlay/link-keeper.ts'
import { linkName, type PodLinks, type PodOnLink } from '../../../src/overlay/pod-links.ts'
import { until } from '../../support/until.ts'

/** A kernel of links alone: what was attached is there until it is broken. */
const world = () => {
  const attached = new Map<string, PodOnLink>()
  const broken = new Map<string, string>()
  const attaches: string[] = []
  let refusal: Error | undefined
  let looks = 0
  let tell: (line: string) => void = () => undefined
  const shown = () =>
    [...attached.keys()].map((id, at) => ({
      ...{ ifname: linkName(id), ifalias: id, flags: ['UP', 'LOWER_UP'], mtu: 1450, master: 'podway0' },
      ...{ link_netnsid: at, linkinfo: { info_kind: 'veth', info_slave_data: { hairpin: true } } },
    }))
  const runner: CommandRunner = {
    run: async (file, args) => {
      if ([file, ...args].join(' ') !== 'ip -json -details link show') throw new Error(`not scripted: ${file} ${args}`)
      looks++
      return JSON.stringify(shown())
    },
    open: () => ({
      ...{ write: () => undefined, onEnd: () => undefined, end: async () => '', kill: () => undefined },
      onError: (listener) => {
        tell = listener
      },
    }),
  }
  const links: PodLinks = {
    attach: async (pod) => {
      attaches.push(pod.id)
      if (refusal) throw refusal
      attached.set(pod.id, pod)
      broken.delete(pod.id)
    },
    detach: async (id) => void attached.delete(id),
    list: async () => [...attached.keys()],
    faults: async ({ id }) => {
      const fault = broken.get(id)
      return fault === undefined ? [] : [fault]
    },
    close: () => undefined,
  }
  return {
    ...{ runner, links, attached, broken, attaches },
    looks: () => looks,
    tell: (line: string) => tell(line),
    refuse: (error: Error | undefined) => {
      refusal = error
    },
  }
}

const netns = '/proc/self/ns/net'
const pod = (id: string): PodOnLink => ({ id, netns, addresses: ['10.244.1.2'] })

const start = (t: { teardown(end: () => Promise<void>): void }, at: ReturnType<typeof world>) => {
  const keeper = createLinkKeeper({ ...at, iproute: createIproute(at.runner), log: silentLogger, resyncMs: 20 })
  const told: string[] = []
  keeper.troubles.onChange((id) => told.push(`${id}: ${keeper.troubles.of(id) ?? 'well'}`))
  const stop = new AbortController()
  const running = keeper.run(stop.signal)
  t.teardown(async () => {
    stop.abort()
    await running
  })
  return { keeper, told }
}

t.test('a link that is gone comes back, and one that was detached does not', async (t) => {
  const at = world()
  const { keeper } = start(t, at)
  await keeper.links.attach(pod('a'))
  await keeper.links.attach(pod('b'))
  await keeper.links.detach('b')
  at.attached.delete('a')
  await until(() => at.attached.has('a'), 'the link')
  const looked = at.looks()
  await until(() => at.looks() > looked + 1, 'two more looks', 10_000)
  t.same(at.attaches, ['a', 'b', 'a'])
})

t.test("damage at the pod's end is found when the kernel tells", async (t) => {
  const at = world()
  const { keeper } = start(t, at)
  await keeper.links.attach(pod('a'))
  await until(() => at.looks() > 1, 'a look at what there is', 10_000)
  at.broken.set('a', 'eth0 lacks 10.244.1.2')
  at.tell('[nsid 0]Deleted 2: eth0    inet 10.244.1.2/32 scope global eth0')
  await until(() => !at.broken.has('a'), 'the repair')
  t.same(at.attaches, ['a', 'a'])
})

t.test('what cannot be put back is told, until it can', async (t) => {
  const at = world()
  const { keeper, told } = start(t, at)
  await keeper.links.attach(pod('a'))
  at.refuse(new CommandError('ip link add', 2, 'RTNETLINK answers: No space left on device'))
  at.attached.delete('a')
  await until(() => told.length > 0, 'the news')
  t.match(told[0], /^a: the pod's network is damaged \(its link is gone\) and cannot be put back: .*No space left/)
  at.refuse(undefined)
  await until(() => told.length > 1, 'the good news', 10_000)
  t.equal(told[1], 'a: well')
})

t.test('a namespace that is gone, or another one by its name, gets no link', async (t) => {
  const at = world()
  const { keeper, told } = start(t, at)
  await keeper.links.attach({ ...pod('a'), netns: '/no/such/namespace' })
  at.attached.delete('a')
  const looked = at.looks()
  await until(() => at.looks() > looked + 2, 'some looks', 10_000)
  t.same(at.attaches, ['a'])
  t.same(told, [])
})
