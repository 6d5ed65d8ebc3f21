import t from 'tap'
import { etcdPlace } from '../../../src/commands/etcd.ts'

const prefix = { etcdPrefix: '/podway' }

t.test('which etcd', async (t) => {
  t.equal(etcdPlace(prefix), undefined)
  t.same(etcdPlace({ ...prefix, etcdServers: 'http://192.0.2.1:2379' }), {
    endpoints: ['http://192.0.2.1:2379'],
    prefix: '/podway',
  })
  t.same(
    etcdPlace({
      ...{ etcdPrefix: '/a/b', etcdServers: 'https://etcd1:2379/, https://[2001:db8::1]:2379' },
      ...{ etcdCafile: 'ca', etcdCertfile: 'c', etcdKeyfile: 'k' },
    }),
    {
      ...{ endpoints: ['https://etcd1:2379', 'https://[2001:db8::1]:2379'], prefix: '/a/b' },
      ...{ cafile: 'ca', certfile: 'c', keyfile: 'k' },
    },
  )
})

t.test('what makes no sense is refused, and named', async (t) => {
  const servers = 'https://a:2379'
  for (const [options, what] of [
    [{ etcdServers: 'a:2379' }, /expected https:\/\/HOST:PORT/],
    [{ etcdServers: 'https://a' }, /expected https/],
    [{ etcdServers: 'https://a:2379/x' }, /expected https/],
    [{ etcdServers: '' }, /expected https/],
    [{ etcdServers: `${servers},http://b:2379` }, /all of them, or none/],
    [{ etcdServers: servers, etcdCertfile: 'c' }, /go together/],
    [{ etcdServers: 'http://a:2379', etcdCafile: 'c' }, /must be https/],
    [{ etcdCafile: 'c' }, /no --etcd-servers/],
    [{ etcdServers: servers, etcdPrefix: 'podway' }, /expected a path/],
    [{ etcdServers: servers, etcdPrefix: '/' }, /expected a path/],
    [{ etcdServers: servers, etcdPrefix: '/a/../b/' }, /expected a path/],
  ] as const)
    t.throws(() => etcdPlace({ ...prefix, ...options }), what, JSON.stringify(options))
})
