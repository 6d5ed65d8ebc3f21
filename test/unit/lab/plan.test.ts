import t from 'tap'
import { cgroupParent, cgroupPrefix, checkLabName, labPaths, parsePublication, planLab } from '../../../src/lab/plan.ts'

const options = {
  name: 'lab',
  nodes: 3,
  publish: [],
  nodeGraceSeconds: 10,
  podEvictionSeconds: 60,
  evictionHard: '',
  dualStack: false,
  runtime: 'oci',
}

t.test('a plan', async (t) => {
  const { hosts, gateway } = planLab(options)
  t.same(
    hosts.map(({ name, address }) => `${name} ${address}`),
    ['control 172.30.0.2', 'node1 172.30.0.11', 'node2 172.30.0.12', 'node3 172.30.0.13', 'client 172.30.0.100'],
  )
  const most = planLab({ ...options, nodes: 60 }).hosts.map(({ address }) => address)
  t.equal(new Set([...most, gateway]).size, 63, 'no address twice, however many nodes')
})

t.test('published ports', async (t) => {
  t.same(parsePublication('8080:80'), { hostPort: 8080, lab: { host: 'node1', port: 80 } })
  t.same(parsePublication('0:node2:30080'), { hostPort: 0, lab: { host: 'node2', port: 30080 } })
  for (const text of ['80', 'a:80', '80:0', '80:99999', '1:a:2:3', ''])
    t.throws(() => parsePublication(text), /expected HOSTPORT:PORT/, text)
})

t.test('names', async (t) => {
  t.equal(checkLabName('my-lab-2'), 'my-lab-2')
  for (const name of ['', 'A', 'a.b', '-a', 'a-', 'a/b', 'x'.repeat(33)])
    t.throws(() => checkLabName(name), /a lab's name/, name)
  const [lab, other, elsewhere] = ['/home/labs/lab', '/home/labs/lab-2', '/tmp/labs/lab'].map((folder) => ({ folder }))
  if (!lab || !other || !elsewhere) return t.fail('no labs')
  t.ok(cgroupParent(lab, 'node1').startsWith(cgroupPrefix(lab)))
  t.not(cgroupPrefix(lab), cgroupPrefix(elsewhere), 'two homes, two labs')
  t.notOk(cgroupParent(other, 'node1').startsWith(cgroupPrefix(lab)), "no lab takes another's groups for its own")
})

t.test('paths have to fit unix sockets', async (t) => {
  t.equal(labPaths('/home/me/.podway', 'lab').kubeconfig, '/home/me/.podway/labs/lab/kubeconfig')
  t.throws(() => labPaths(`/${'x'.repeat(100)}`, 'lab'), /set PODWAY_HOME to a shorter one/)
})
