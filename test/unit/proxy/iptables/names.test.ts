import t from 'tap'
import { parseSave } from '../../../../src/host/netfilter/tables.ts'
import { hashedChain, isProxyChain } from '../../../../src/proxy/iptables/names.ts'
import { rounds } from '../../../support/rounds.ts'
import { makeService, makeSlice } from '../support/objects.ts'
import { loadRules, makeContext } from '../support/rules.ts'

t.test('the same thing has the same name, another thing another', async (t) => {
  t.equal(hashedChain('SVC', 'default/web:http/tcp'), hashedChain('SVC', 'default/web:http/tcp'))
  const names = Array.from({ length: rounds(20_000, 100_000) }, (_, at) =>
    hashedChain('SEP', 'default/web/tcp', `10.1.0.${at}`),
  )
  t.equal(new Set(names).size, names.length)
  t.ok(names.every((name) => /^PODWAY-SEP-[0-9A-V]{16}$/.test(name)))
})

t.test('every chain is known as ours and short enough, in both families', async (t) => {
  for (const family of ['IPv4', 'IPv6'] as const) {
    const base = family === 'IPv4' ? '255.255.' : 'fd00:96::'
    const objects = Array.from({ length: rounds(300, 300) }, (_, at) => {
      const name = `web-${at}`
      const number = 65_535 - at * 7
      const clusterIP = family === 'IPv4' ? `${base}${number >> 8}.${number & 255}` : `${base}${number.toString(16)}`
      const pods = Array.from({ length: at % 40 }, (_, pod) => ({
        address: family === 'IPv4' ? `10.1.${at & 255}.${pod}` : `fd00:1::${at.toString(16)}:${pod}`,
        node: 'here',
      }))
      const ports = [
        { name: 'http', port: 80, nodePort: 30_000 + at },
        { name: 'sync', port: 81, nodePort: 32_000 + at, protocol: 'SCTP' as const },
      ]
      const sessionAffinity = at % 2 ? ('ClientIP' as const) : ('None' as const)
      const service = makeService({ name, clusterIP, ports, sessionAffinity, type: 'NodePort' })
      const target = { service: name, addressType: family, ports: [{ name: 'http', port: 8080 }] }
      return { service, slices: [makeSlice(pods, target)] }
    })
    const netfilter = await loadRules(objects, makeContext({ family, localhostNodePorts: true }))
    for (const table of ['nat', 'filter'] as const) {
      const own = [...parseSave(netfilter.dump(table)).values()].filter(({ policy }) => policy === undefined)
      t.ok(own.length > 10)
      t.same(
        own.filter(({ name }) => !isProxyChain(name) || name.length > 28),
        [],
        `${family} ${table}`,
      )
    }
  }
})

t.test('chains of others are not ours', async (t) => {
  for (const name of ['PODWAY-MASQ', 'PODWAY-FORWARD', 'PODWAY-DNS-NAT', 'KUBE-SERVICES', 'PREROUTING', 'PODWAY-IP-'])
    t.notOk(isProxyChain(name), name)
})
