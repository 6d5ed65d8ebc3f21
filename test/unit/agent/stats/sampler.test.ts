/** Means over a window, and how often it is looked. */
import t from 'tap'
import { createSampler, type MeasuredSandbox } from '../../../../src/agent/stats/sampler.ts'
import type { Usage } from '../../../../src/agent/usage/usage.ts'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { silentLogger } from '../../../../src/host/log.ts'

const usage = (cpuNanoseconds: number): Usage => ({
  ...{ cpuNanoseconds, processes: 1 },
  memory: { usageBytes: 3, workingSetBytes: 2, rssBytes: 1, pageFaults: 0, majorPageFaults: 0 },
})

const second = 1e9

/** A machine whose containers have each used what is noted of them. */
const play = (failure?: Error) => {
  const clock = createFakeClock()
  const used = new Map<string, number>()
  const machine = { cpu: 0 }
  const started = new Map<string, number>()
  let passes = 0
  let cost = 0
  let failing = failure
  const sandboxes = (): readonly MeasuredSandbox[] => [
    {
      ...{ id: 'a', hostNetwork: false, running: true, pid: 7 },
      containers: [...used.keys()].map((id) => ({ id, startedAt: started.get(id) ?? clock.now() - 3_600_000 })),
    },
    { id: 'h', hostNetwork: true, running: true, pid: 8, containers: [] },
    { id: 'dead', hostNetwork: false, running: false, pid: 0, containers: [] },
  ]
  const eth0 = { name: 'eth0', rxBytes: 1, rxPackets: 1, rxErrors: 0, rxDropped: 0 }
  const sampler = createSampler({
    ...{ clock, steady: clock, spentMs: clock.now, log: silentLogger },
    sources: {
      sandboxes: async () => {
        if (failing) throw failing
        return sandboxes()
      },
      containers: async () => {
        passes++
        clock.advance(cost)
        return new Map([...used].map(([id, cpu]) => [id, usage(cpu)]))
      },
      machine: () => usage(machine.cpu),
      agent: () => usage(machine.cpu / 2),
      network: (pid) => [{ ...eth0, txBytes: pid === 'self' ? 0 : pid, txPackets: 0, txErrors: 0, txDropped: 0 }],
    },
  })
  const stop = new AbortController()
  const running = sampler.run(stop.signal)
  const turn = async (): Promise<void> => {
    for (let n = 0; n < 20; n++) await Promise.resolve()
  }
  return {
    ...{ clock, used, started, machine, sampler, turn, passes: () => passes },
    costs: (ms: number) => {
      cost = ms
    },
    mend: () => {
      failing = undefined
    },
    after: async (ms: number): Promise<void> => {
      clock.advance(ms)
      await turn()
    },
    end: async () => {
      stop.abort()
      await running
    },
  }
}

t.test('a rate is the mean over up to three periods', async (t) => {
  const { used, machine, sampler, turn, after, end } = play()
  used.set('c', 100 * second)
  machine.cpu = 1000 * second
  await turn()
  const first = await sampler.latest()
  t.equal(first.containers.get('c')?.rate, undefined, 'it ran long before we looked')
  t.equal(first.machine.rate, undefined)
  for (const [cpu, nanoCores, windowSeconds] of [
    [105, 1e9, 5],
    [105, 0.5e9, 10],
    [115, 1e9, 15],
    [115, 10e9 / 15, 15],
  ] as const) {
    used.set('c', cpu * second)
    machine.cpu += 10 * second
    await after(5_000)
    const sample = await sampler.latest()
    t.strictSame(sample.containers.get('c')?.rate, { nanoCores: Math.round(nanoCores), windowSeconds })
    t.strictSame(sample.machine.rate, { nanoCores: 2e9, windowSeconds })
    t.strictSame(sample.agent.rate, { nanoCores: 1e9, windowSeconds })
  }
  await end()
})

t.test('a container that has just begun is measured from its start', async (t) => {
  const { clock, used, started, sampler, turn, after, end } = play()
  await turn()
  await after(1_000)
  used.set('young', 0)
  started.set('young', clock.now())
  used.set('younger', 0)
  used.set('youngest', second)
  await after(2_000)
  used.set('young', 2 * second)
  started.set('younger', clock.now())
  await after(2_000 - 100)
  started.set('youngest', clock.now())
  await after(100)
  const { containers } = await sampler.latest()
  t.strictSame(containers.get('young')?.rate, { nanoCores: 0.5e9, windowSeconds: 4 })
  t.strictSame(containers.get('younger')?.rate, { nanoCores: 0, windowSeconds: 2 })
  t.equal(containers.get('youngest')?.rate, undefined, 'too young to say')
  await end()
})

t.test('a counter that falls is no time used', async (t) => {
  const { used, sampler, turn, after, end } = play()
  used.set('c', 9 * second)
  await turn()
  used.set('c', 8 * second)
  await after(5_000)
  t.equal((await sampler.latest()).containers.get('c')?.rate?.nanoCores, 0)
  await end()
})

t.test('networks are those of sandboxes that have one', async (t) => {
  const { sampler, turn, end } = play()
  await turn()
  const { network, networks } = await sampler.latest()
  t.equal(network.length, 1)
  t.strictSame(
    [...networks].map(([id, [first]]) => [id, first?.txBytes]),
    [['a', 7]],
  )
  await end()
})

t.test('what takes long is done less often', async (t) => {
  const { costs, passes, after, turn, end } = play()
  costs(100)
  await turn()
  t.equal(passes(), 1)
  await after(19_999)
  t.equal(passes(), 1)
  await after(1)
  t.equal(passes(), 2)
  costs(10_000)
  await after(20_000)
  t.equal(passes(), 3)
  await after(29_999)
  t.equal(passes(), 3)
  await after(1)
  t.equal(passes(), 4, 'but it is done')
  await end()
})

t.test('one failure is no end', async (t) => {
  const { mend, passes, sampler, turn, after, end } = play(new Error('no'))
  await turn()
  t.equal(passes(), 0)
  await t.rejects(sampler.latest(), /no/)
  mend()
  await after(5_000)
  t.equal(passes(), 1)
  await end()
})
