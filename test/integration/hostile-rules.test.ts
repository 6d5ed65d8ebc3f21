/** Hostile Services and host ports in the real kernel: it takes what they are made into, and holds rules of ours alone. */
import t from 'tap'
import type { EndpointSlice, Service } from '../../src/api/types/index.ts'
import { createCommandRunner, prefixed } from '../../src/host/command.ts'
import { enterNetworkFile } from '../../src/host/namespaces.ts'
import { createNetfilter } from '../../src/host/netfilter/netfilter.ts'
import { createRuleKeeper } from '../../src/host/netfilter/rule-keeper.ts'
import { parseSave } from '../../src/host/netfilter/tables.ts'
import { readHostPorts } from '../../src/overlay/host-ports.ts'
import { compileRules, overlayJumps } from '../../src/overlay/rules.ts'
import { frameJumps } from '../../src/proxy/iptables/frame.ts'
import { createKernelRules } from '../../src/proxy/iptables/kernel.ts'
import { compileService, createWantedChains } from '../../src/proxy/iptables/wanted.ts'
import { attacks, hostileSamples, hostileVariants } from '../support/hostile-objects.ts'
import { strangeWord } from '../support/rule-grammar.ts'
import { makeService, makeSlice } from '../unit/proxy/support/objects.ts'
import { makeContext } from '../unit/proxy/support/rules.ts'

const runner = createCommandRunner()
const chosen = new Set(['rules of its own', 'an end of quotes', 'a backslash', 'an IPv6 address', 'a range'])
const podCIDRs = ['10.244.1.0/24', 'fd00:1::/64']

for (const backend of ['nft', 'legacy'] as const)
  for (const family of ['IPv4', 'IPv6'] as const)
    t.test(`${family} in the ${backend} store`, { timeout: 240_000 }, async (t) => {
      const name = `hostile-${backend}-${family}`
      await runner.run('ip', ['netns', 'add', name])
      t.teardown(() => runner.run('ip', ['netns', 'delete', name]))
      const inside = prefixed(runner, enterNetworkFile(`/run/netns/${name}`))
      const netfilter = createNetfilter(inside, family, backend)
      const context = makeContext({ family })
      const wanted = createWantedChains(context)
      const kernel = createKernelRules(netfilter, frameJumps(context))
      const quiet = makeService({ name: 'quiet', clusterIP: family === 'IPv4' ? '10.96.0.99' : 'fd00:96::99' })
      const address = family === 'IPv4' ? '10.1.0.9' : 'fd00:1::9'
      const endpoint = makeSlice([{ address, node: 'here' }], { service: 'quiet', addressType: family })
      wanted.replace('default/quiet', compileService(quiet, [endpoint], context))
      await kernel.repair(wanted.all())
      wanted.takeChange()

      const samples = hostileSamples as unknown as { readonly Service: Service; readonly EndpointSlice: EndpointSlice }
      const seen = new Set<string>()
      const variants = function* () {
        for (const kind of ['Service', 'EndpointSlice'] as const) yield* hostileVariants(kind, samples[kind])
      }
      for (const { kind, attack, object } of variants()) {
        if (!chosen.has(attack)) continue
        const service = kind === 'Service' ? (object as Service) : samples.Service
        const slice = kind === 'EndpointSlice' ? (object as EndpointSlice) : samples.EndpointSlice
        const compiled = compileService(service, [slice], context)
        const text = JSON.stringify([compiled.chains, compiled.entries])
        if (seen.has(text) || seen.size > 60) continue
        seen.add(text)
        wanted.replace('hostile/web', compiled)
        // Rejects when the kernel's tools take offence.
        await kernel.advance(wanted.takeChange())
      }
      t.ok(seen.size > 20, `${seen.size} different sets of rules`)
      t.equal((await kernel.repair(wanted.all())).restores, 0, 'the kernel holds what was compiled')

      const mappings = Object.values(attacks).map((attack, at) => ({
        ...{ hostPort: 7000 + at, hostIP: attack('172.30.0.11'), protocol: 'TCP' as const },
        ...{ podIP: family === 'IPv4' ? '10.244.1.2' : 'fd00:1::2', containerPort: 80 },
      }))
      const hostPorts = readHostPorts(mappings, { podCIDRs }).ports[family]
      const keeper = createRuleKeeper(netfilter, overlayJumps(family, 'podway.1'))
      const rules = compileRules({ family, clusterCIDRs: podCIDRs, podCIDRs, hostPorts })
      t.equal(await keeper.ensure(rules), true)
      t.equal(await keeper.ensure(rules), false, 'and reads back as it was written')

      for (const table of ['raw', 'mangle', 'nat', 'filter'] as const)
        for (const { name: chain, rules: held, policy } of parseSave(await netfilter.save(table)).values()) {
          const strange = held.map(strangeWord).find((word) => word !== undefined)
          t.equal(strange, undefined, `${table} ${chain}`)
          const ours = /^PODWAY-/.test(chain)
          t.ok(ours || policy === 'ACCEPT', `${table} ${chain}`)
          if (!ours)
            t.ok(
              held.every((rule) => / -j PODWAY-/.test(rule)),
              `nothing but jumps in ${table} ${chain}`,
            )
        }
      t.match(await netfilter.save('nat'), /"?default\/quiet:http\/tcp"?/, 'the other Service has its rules')
    })
