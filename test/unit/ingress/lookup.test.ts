import t from 'tap'
import { clusterName, createLookup } from '../../../src/proxy/ingress/names/lookup.ts'
import { isOwnHost } from '../../../src/proxy/ingress/names/own-host.ts'

const lookup = (name: string, all: boolean): Promise<{ readonly error: string; readonly found: unknown }> => {
  const look = createLookup({ cluster: undefined, isRefused: isOwnHost, report: () => {} })
  return new Promise((resolve) =>
    look(name, { all }, (error, found) => resolve({ error: error?.message ?? '', found })),
  )
}

t.test('names of this machine lead nowhere', async (t) => {
  for (const name of ['localhost', '127.1', '0', '0x7f.1', '2130706433'])
    for (const all of [true, false]) t.match((await lookup(name, all)).error, /this machine itself/, name)
})

t.test('addresses elsewhere are found, in both forms of the answer', async (t) => {
  t.same((await lookup('192.0.2.7', true)).found, [{ address: '192.0.2.7', family: 4 }])
  t.same((await lookup('192.0.2.7', false)).found, '192.0.2.7')
})

t.test('which names are asked of the cluster, and as what', async (t) => {
  const asked = {
    'be.default.svc.cluster.local': 'be.default.svc.cluster.local',
    'Be.Default.svc.Cluster.Local.': 'be.default.svc.cluster.local',
    'web-0.be.default.svc.cluster.local': 'web-0.be.default.svc.cluster.local',
    'be.default.svc': 'be.default.svc.cluster.local',
    'be.default.svc.': undefined,
    'cluster.local': undefined,
    'notcluster.local': undefined,
    'be.default.svc.cluster.local.example.com': undefined,
    'example.com': undefined,
  }
  for (const [name, wanted] of Object.entries(asked)) t.equal(clusterName(name, 'cluster.local'), wanted, name)
})

t.test('own hosts in every spelling', async (t) => {
  const own = [
    'localhost',
    'a.localhost.',
    '127.0.0.1',
    '0.0.0.0',
    '169.254.169.254',
    '::',
    '::1',
    '[::1]',
    '0:0:0:0:0:0:0:1',
    'fe80::1',
  ]
  for (const name of [...own, '::ffff:127.0.0.1', '::ffff:7f00:1', '::FFFF:169.254.169.254'])
    t.equal(isOwnHost(name), true, name)
  for (const name of ['example.com', 'localhost.example.com', '10.0.0.1', '2001:db8::1', '12.7.0.0', '::ffff:10.0.0.1'])
    t.equal(isOwnHost(name), false, name)
})
