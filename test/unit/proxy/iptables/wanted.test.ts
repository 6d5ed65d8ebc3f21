/** What changes, from one time to the next. */
import t from 'tap'
import { compileService, createWantedChains } from '../../../../src/proxy/iptables/wanted.ts'
import { type EndpointDraft, makeService, makeSlice, type ServiceDraft } from '../support/objects.ts'
import { makeContext } from '../support/rules.ts'

const context = makeContext()
const here: EndpointDraft = { address: '10.1.0.2', node: 'here' }
const away: EndpointDraft = { address: '10.1.9.2', node: 'away' }
const rulesOf = (endpoints: readonly EndpointDraft[], draft: ServiceDraft = {}) =>
  compileService(makeService(draft), [makeSlice(endpoints)], context)
const affinity: ServiceDraft = { sessionAffinity: 'ClientIP' }

/** How many chains of which kind are written and go; what comes out as it was is left out when it is compared with the kernel. */
const open = () => {
  const wanted = createWantedChains(context)
  const count = (names: readonly string[]) =>
    [...Map.groupBy(names, (name) => name.replace(/^PODWAY-([A-Z-]+?)(-[0-9A-F]{16}|-[\d./]+)?$/, '$1'))]
      .map(([kind, { length }]) => `${kind} ${length}`)
      .sort()
  const take = () => {
    const { written, gone } = wanted.takeChange()
    return {
      nat: count(written.nat.map(({ name }) => name)),
      filter: count(written.filter.map(({ name }) => name)),
      gone: count([...gone.nat, ...gone.filter]),
    }
  }
  return { wanted, take }
}

t.test('what is replaced is written, and what it no longer has goes', async (t) => {
  const { wanted, take } = open()
  t.same(take(), { nat: [], filter: [], gone: [] })
  wanted.replace('default/web', rulesOf([here, away], affinity))
  t.same(take(), { nat: ['HAIRPIN 1', 'SEP 2', 'SERVICES 1', 'SVC 1'], filter: [], gone: [] })
  t.same([...wanted.keys()], ['default/web'])
  wanted.replace('default/web', rulesOf([here], affinity))
  t.same(take(), { nat: ['HAIRPIN 1', 'SEP 1', 'SERVICES 1', 'SVC 1'], filter: [], gone: ['SEP 1'] })
  wanted.replace('default/web', rulesOf([]))
  t.same(take(), { nat: ['HAIRPIN 1', 'SERVICES 1'], filter: ['REFUSE 1'], gone: ['SEP 1', 'SVC 1'] })
  t.same(take(), { nat: [], filter: [], gone: [] }, 'which is told once')
  wanted.replace('default/web', undefined)
  t.same(take(), { nat: [], filter: ['REFUSE 1'], gone: [] })
  t.same([...wanted.keys()], [])
})

t.test('between two times only the first and the last count', async (t) => {
  const { wanted, take } = open()
  wanted.replace('default/web', rulesOf([here, away], affinity))
  wanted.replace('default/web', rulesOf([here], affinity))
  t.same(take().gone, [], 'what was never told need not go')
  wanted.replace('default/web', undefined)
  wanted.replace('default/web', rulesOf([away], affinity))
  t.same(take(), { nat: ['HAIRPIN 1', 'SEP 1', 'SERVICES 1', 'SVC 1'], filter: [], gone: ['SEP 1'] })
})

t.test('a Service without rules is not kept', async (t) => {
  const { wanted, take } = open()
  wanted.replace('default/web', rulesOf([here], { clusterIP: 'None' }))
  t.same([...wanted.keys()], [])
  wanted.replace('default/web', rulesOf([here]))
  take()
  wanted.replace('default/web', rulesOf([here], { clusterIP: 'None' }))
  t.same([...wanted.keys()], [])
  t.same(take(), { nat: ['HAIRPIN 1', 'SERVICES 1'], filter: [], gone: ['SVC 1'] })
})

t.test('of a Service it is said once where its policies leave it alone, and what was wrong', async (t) => {
  const ports = [80, 81].map((port) => ({ name: `p${port}`, port }))
  const slices = [makeSlice([away], { ports: ports.map(({ name }) => ({ name, port: 8080 })) })]
  const { withoutLocal, problems } = compileService(
    makeService({ ports, internalTrafficPolicy: 'Local', externalIPs: ['nowhere'] }),
    slices,
    context,
  )
  t.same(withoutLocal, ['internal'])
  t.same(problems, ['Service default/web: "nowhere" makes no sense'])
})

t.test('all chains, each after those it leads to', async (t) => {
  const { wanted } = open()
  wanted.replace('default/web', rulesOf([here, away], { ...affinity, externalIPs: ['203.0.113.5'] }))
  wanted.replace('default/none', rulesOf([], { name: 'none', clusterIP: '10.96.0.11' }))
  const all = wanted.all()
  for (const chains of [all.nat, all.filter]) {
    const own = new Set<string>(chains.map(({ name }) => name))
    t.equal(own.size, chains.length, 'each once')
    const seen = new Set<string>()
    for (const { name, rules } of chains) {
      for (const rule of rules) {
        const target = / -[jg] (PODWAY-\S+)/.exec(` ${rule}`)?.[1]
        if (target !== undefined) t.ok(seen.has(target) && own.has(target), `${name} leads to ${target}`)
      }
      seen.add(name)
    }
  }
})

t.test('parts of a tree come with many Services, and go with them', async (t) => {
  const { wanted } = open()
  const names = Array.from({ length: 80 }, (_, at) => `web-${at}`)
  for (const [at, name] of names.entries())
    wanted.replace(name, rulesOf([], { name, clusterIP: `10.96.${at % 4}.${at}` }))
  const parts = wanted
    .takeChange()
    .written.filter.map(({ name }) => name)
    .filter((name) => name.startsWith('PODWAY-IP-'))
  t.ok(parts.length >= 4, `${parts.length} parts`)
  for (const name of names.slice(1)) wanted.replace(name, undefined)
  t.same([...wanted.takeChange().gone.filter].sort(), [...parts].sort())
})
