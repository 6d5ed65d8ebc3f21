import t from 'tap'
import { cpuShares } from '../../../../../src/agent/runtime/limit-units.ts'
import { deviceRules, ociResources } from '../../../../../src/agent/runtime/oci/resources.ts'

t.test('cpu', async (t) => {
  t.equal(cpuShares(0), 2)
  t.equal(cpuShares(1), 2)
  t.equal(cpuShares(250), 256)
  t.equal(cpuShares(1000), 1024)
  t.equal(cpuShares(10_000_000), 262_144)
  t.same(ociResources({ cpuMilli: 250 }, []).cpu, { shares: 256, quota: 25_000, period: 100_000 })
  t.same(ociResources({ cpuMilli: 1 }, []).cpu, { shares: 2, quota: 1_000, period: 100_000 })
  t.same(ociResources({ cpuMilli: 2000, cpuRequestMilli: 500 }, []).cpu, {
    shares: 512,
    quota: 200_000,
    period: 100_000,
  })
  t.same(ociResources({ cpuRequestMilli: 500 }, []).cpu, { shares: 512 }, 'no limit, no quota')
})

t.test('what is not limited is not there', async (t) => {
  t.same(ociResources({}, []), { devices: [], cpu: { shares: 2 } })
  t.same(ociResources({ memoryBytes: 1 << 20, pids: 7 }, []), {
    ...{ devices: [], cpu: { shares: 2 }, memory: { limit: 1 << 20 }, pids: { limit: 7 } },
  })
})

t.test('huge pages', async (t) => {
  const hugepages = new Map([
    [2 << 20, 4 << 20],
    [1 << 30, 0],
    [64 << 10, 1],
  ])
  t.same(ociResources({ hugepages }, []).hugepageLimits, [
    { pageSize: '2MB', limit: 4 << 20 },
    { pageSize: '1GB', limit: 0 },
    { pageSize: '64KB', limit: 1 },
  ])
})

t.test('devices', async (t) => {
  const [first, ...rest] = deviceRules(false, [{ allow: true, type: 'b', major: 8, minor: 1, access: 'rw' }])
  t.same(first, { allow: false, access: 'rwm' }, 'nothing but what follows')
  t.ok(rest.every(({ allow, major }) => allow && major !== undefined))
  t.match(rest.at(-1), { type: 'b', major: 8, minor: 1 })
  t.same(deviceRules(true, []), [{ allow: true, access: 'rwm' }])
})
