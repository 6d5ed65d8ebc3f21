/** Every rule reads back from the kernel exactly as it was written, in both families and both rule stores. */
import t from 'tap'
import { createCommandRunner, prefixed } from '../../src/host/command.ts'
import { enterNetworkFile } from '../../src/host/namespaces.ts'
import { createNetfilter } from '../../src/host/netfilter/netfilter.ts'
import { frameJumps } from '../../src/proxy/iptables/frame.ts'
import { cleanupProxy, createKernelRules } from '../../src/proxy/iptables/kernel.ts'
import { compileService, createWantedChains } from '../../src/proxy/iptables/wanted.ts'
import { createRandom } from '../unit/proxy/support/random.ts'
import { makeContext } from '../unit/proxy/support/rules.ts'
import { createWorld } from '../unit/proxy/support/world.ts'

const runner = createCommandRunner()

for (const backend of ['nft', 'legacy'] as const)
  for (const family of ['IPv4', 'IPv6'] as const)
    t.test(`${family} in the ${backend} store`, async (t) => {
      const name = `rules-${backend}-${family}`
      await runner.run('ip', ['netns', 'add', name])
      t.teardown(() => runner.run('ip', ['netns', 'delete', name]))
      const inside = prefixed(runner, enterNetworkFile(`/run/netns/${name}`))
      const netfilter = createNetfilter(inside, family, backend)
      const context = makeContext({ family, localhostNodePorts: true })
      const world = createWorld(createRandom(11), 120, family)
      for (let step = 0; step < 500; step++) world.change()
      const wanted = createWantedChains(context)
      const replace = (key: string): void => {
        const found = world.objects.get(key)
        wanted.replace(key, found && compileService(found.service, found.slices, context))
      }
      for (const key of world.objects.keys()) replace(key)

      const kernel = createKernelRules(netfilter, frameJumps(context))
      t.ok((await kernel.repair(wanted.all())).restores > 0)
      t.equal((await kernel.repair(wanted.all())).restores, 0, 'nothing differs')
      wanted.takeChange()

      for (let round = 0; round < 10; round++) {
        for (let change = 0; change < 10; change++) replace(world.change())
        await kernel.advance(wanted.takeChange())
      }
      t.equal((await kernel.repair(wanted.all())).restores, 0, 'changes left what a fresh start would')

      for (let look = 0; look < 12; look++) t.ok(await kernel.isIntact(), 'a look finds every rule')
      const saved = await netfilter.save('nat')
      const chain = /:(PODWAY-SEP-\S+)/.exec(saved)?.[1] ?? ''
      await inside.run(`${family === 'IPv4' ? 'iptables' : 'ip6tables'}-${backend}`, ['-t', 'nat', '-F', chain])
      let looks = 1
      while (await kernel.isIntact()) looks++
      t.ok(looks <= 20, `an emptied chain is found, here at look ${looks}`)
      t.equal((await kernel.repair(wanted.all())).restores, 1, 'and filled again')

      await cleanupProxy(netfilter)
      t.notMatch(`${await netfilter.save('nat')}${await netfilter.save('filter')}`, /PODWAY/)
    })
