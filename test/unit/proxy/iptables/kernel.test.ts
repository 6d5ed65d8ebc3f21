import t from 'tap'
import { CommandError } from '../../../../src/host/command.ts'
import { createFakeNetfilter } from '../../../../src/host/netfilter/fake.ts'
import type { Netfilter } from '../../../../src/host/netfilter/netfilter.ts'
import { frameJumps } from '../../../../src/proxy/iptables/frame.ts'
import { cleanupProxy, createKernelRules } from '../../../../src/proxy/iptables/kernel.ts'
import { compileService, createWantedChains } from '../../../../src/proxy/iptables/wanted.ts'
import { createRandom } from '../support/random.ts'
import { chainsOf, loadRules, makeContext } from '../support/rules.ts'
import { createWorld } from '../support/world.ts'

const context = makeContext()
const jumps = frameJumps(context)

/** A kernel that takes no more than `most` lines of a table at once. */
const withSmallBuffer = (netfilter: Netfilter, most: number): Netfilter => ({
  ...netfilter,
  apply: async (edits) => {
    for (const edit of edits) {
      const { chains, commands = [] } = edit
      if (commands.length + chains.reduce((sum, { rules }) => sum + rules.length + 1, 0) > most)
        throw new CommandError('iptables-nft-restore', 1, 'sendmsg() failed: Message too long')
      await netfilter.apply([edit])
    }
  },
})

t.test('a kernel that takes little at once gets little at once', async (t) => {
  const world = createWorld(createRandom(5), 200)
  for (let step = 0; step < 600; step++) world.change()
  const wanted = createWantedChains(context)
  for (const [key, { service, slices }] of world.objects) wanted.replace(key, compileService(service, slices, context))
  const netfilter = createFakeNetfilter()
  const kernel = createKernelRules(withSmallBuffer(netfilter, 150), jumps)
  t.ok((await kernel.repair(wanted.all())).restores > 5)
  t.same(chainsOf(netfilter), chainsOf(await loadRules([...world.objects.values()])), 'each jump once')
  const empty = createFakeNetfilter()
  await cleanupProxy(withSmallBuffer(netfilter, 150))
  t.same(chainsOf(netfilter), chainsOf(empty))
})

t.test('a kernel that takes nothing at all fails', async (t) => {
  const kernel = createKernelRules(withSmallBuffer(createFakeNetfilter(), 0), jumps)
  await t.rejects(kernel.repair(createWantedChains(context).all()), { message: /Message too long/ })
  t.ok(kernel.isUnsure)
  await t.rejects(
    kernel.advance({ written: { nat: [], filter: [] }, gone: { nat: [], filter: [] } }),
    /read back first/,
  )
})

t.test('jumps of an older version go, those of users stay', async (t) => {
  const netfilter = createFakeNetfilter('IPv4', {
    nat: `:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:PODWAY-SERVICES - [0:0]
:MINE - [0:0]
-A PREROUTING -j PODWAY-SERVICES
-A PREROUTING -j MINE
-A MINE -s 10.9.9.9/32 -j PODWAY-SERVICES
`,
  })
  await createKernelRules(netfilter, jumps).repair(createWantedChains(context).all())
  const chains = chainsOf(netfilter)
  t.same(chains['nat MINE'], ['-s 10.9.9.9/32 -j PODWAY-SERVICES'])
  t.same(chains['nat PREROUTING'], ['-m comment --comment "podway services" -j PODWAY-SERVICES', '-j MINE'])
  await cleanupProxy(netfilter)
  t.same(chainsOf(netfilter)['nat MINE'], [], 'what leads to nowhere must go with the chain')
})
