import t from 'tap'
import { createFakeClock } from '../../../src/api/clock.ts'
import type { CommandRunner } from '../../../src/host/command.ts'
import { line } from '../../../src/host/iproute.ts'
import { createIprouteReadings } from '../../../src/host/iproute-readings.ts'

const start = () => {
  const clock = createFakeClock()
  const asked: string[] = []
  let tell: (text: string) => void = () => undefined
  let end: () => void = () => undefined
  let opened = 0
  let killed = 0
  let during: () => void = () => undefined
  const runner: CommandRunner = {
    run: async (file, args) => {
      asked.push([file, ...args].join(' '))
      during()
      return JSON.stringify([{ asked: asked.length }])
    },
    open: (_file, args) => {
      t.match(args.join(' '), /exec ip monitor link address route neigh >&2/)
      opened++
      return {
        ...{ write: () => undefined, end: async () => '', kill: () => void killed++ },
        onError: (listener) => {
          tell = listener
        },
        onEnd: (listener) => {
          end = listener
        },
      }
    },
  }
  return {
    ...{ clock, asked },
    readings: createIprouteReadings(runner, clock.now),
    tell: (text: string) => tell(text),
    end: () => end(),
    opened: () => opened,
    killed: () => killed,
    whileAsked: (action: () => void) => {
      during = action
    },
  }
}

/** One that has listened for long enough. */
const settled = async () => {
  const at = start()
  await at.readings.showIp(['link', 'show'])
  at.clock.advance(2_000)
  at.asked.length = 0
  return at
}

t.test('what was read is asked again only when the kernel tells of a change', async (t) => {
  const { readings, asked, tell } = await settled()
  const first = await readings.showIp(['address', 'show'])
  t.same(await readings.showIp(['address', 'show']), first)
  await readings.showBridge(['fdb', 'show', 'dev', 'podway.1'])
  await readings.showBridge(['fdb', 'show', 'dev', 'podway.1'])
  t.same(asked, ['ip -json address show', 'bridge -json fdb show dev podway.1'])
  for (const news of [
    '5: podway0: <BROADCAST,MULTICAST> mtu 1450 qdisc noop state DOWN group default ',
    'Deleted 10.244.2.0/24 via 10.244.2.0 dev podway.1 proto 117 onlink ',
    'netlink receive error No buffer space available (105)',
  ]) {
    asked.length = 0
    tell(news)
    await readings.showIp(['address', 'show'])
    t.equal(asked.length, 1, news)
  }
})

t.test('neighbours come and go with traffic: those of a device concern who asked for it', async (t) => {
  const { readings, asked, tell } = await settled()
  const readAll = async () => {
    await readings.showIp(['-details', 'link', 'show'])
    await readings.showIp(['-4', 'neigh', 'show', 'dev', 'podway.1', 'nud', 'permanent'])
  }
  await readAll()
  asked.length = 0
  for (const news of [
    '10.244.1.7 dev podway0 lladdr 0a:58:0a:f4:01:07 STALE ',
    'Deleted dev pw0123456789abc lladdr 6a:46:c8:1f:16:b8 REACHABLE ',
  ])
    tell(news)
  await readAll()
  t.same(asked, [])
  tell('10.244.2.0 dev podway.1 FAILED ')
  await readAll()
  t.same(asked, ['ip -json -4 neigh show dev podway.1 nud permanent'])
})

t.test('what one writes is read again, also when it fails', async (t) => {
  const { readings, asked } = await settled()
  await readings.showIp(['link', 'show'])
  await readings.ip([line`link del dev podway0`])
  await readings.showIp(['link', 'show'])
  await readings.each('bridge', [])
  await readings.showIp(['link', 'show'])
  t.same(asked, ['ip -json link show', 'ip -batch -', 'ip -json link show'])
})

t.test('nothing is remembered that may be older than a change', async (t) => {
  const { readings, asked, tell, whileAsked, clock } = await settled()
  whileAsked(() => tell('5: podway0: <BROADCAST,MULTICAST> mtu 1450'))
  await readings.showIp(['link', 'show'])
  whileAsked(() => undefined)
  await readings.showIp(['link', 'show'])
  await readings.showIp(['link', 'show'])
  t.equal(asked.length, 2)
  clock.advance(60_000)
  await readings.showIp(['link', 'show'])
  t.equal(asked.length, 3, 'at the latest after a minute')
})

t.test('a program that ends has heard nothing since: what was known is not', async (t) => {
  const { readings, asked, end, opened, killed, clock } = await settled()
  await readings.showIp(['link', 'show'])
  end()
  await readings.showIp(['link', 'show'])
  await readings.showIp(['link', 'show'])
  t.equal(asked.length, 3)
  t.equal(opened(), 2)
  clock.advance(2_000)
  await readings.showIp(['link', 'show'])
  await readings.showIp(['link', 'show'])
  t.equal(asked.length, 4)
  readings.close()
  t.equal(killed(), 1)
})
