import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createPodFiles, hostsFile, podHostname } from '../../../../src/agent/pods/pod-files.ts'
import { pod } from './builders.ts'

t.test('host names', async (t) => {
  const subdomain = { hostname: 'web-0', subdomain: 'web' }
  t.equal(podHostname(pod(), 'cluster.local'), 'web')
  t.equal(podHostname(pod(subdomain), 'cluster.local'), 'web-0')
  t.equal(podHostname(pod({ ...subdomain, setHostnameAsFQDN: true }), 'lab'), 'web-0.web.default.svc.lab')
  t.equal(podHostname(pod({ setHostnameAsFQDN: true }), 'lab'), 'web')
  t.equal(podHostname(pod({}, {}, { name: `${'x'.repeat(62)}-tail` }), 'lab'), 'x'.repeat(62))
  t.throws(() => podHostname(pod({ ...subdomain, setHostnameAsFQDN: true }), 'x'.repeat(50)), /longer than the 64/)
})

t.test('/etc/hosts', async (t) => {
  const spec = { hostname: 'web-0', subdomain: 'web', hostAliases: [{ ip: '192.0.2.7', hostnames: ['db', 'db.lab'] }] }
  const text = hostsFile(pod(spec), ['10.244.0.2', 'fd00::2'], 'lab', '')
  t.match(text, /^127\.0\.0\.1\tlocalhost$/m)
  t.match(text, /^10\.244\.0\.2\tweb-0\.web\.default\.svc\.lab\tweb-0$/m)
  t.match(text, /^fd00::2\tweb-0\.web\.default\.svc\.lab\tweb-0$/m)
  t.match(text, /# Entries added by HostAliases\.\n192\.0\.2\.7\tdb\tdb\.lab\n$/)
  t.equal(
    hostsFile(pod({ hostNetwork: true }), ['192.0.2.1'], 'lab', '127.0.0.1 localhost\n192.0.2.1 node-a\n'),
    '# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n192.0.2.1 node-a\n',
  )
})

t.test('the files stay the same files when they are filled', async (t) => {
  const folder = t.testdir()
  const files = createPodFiles(folder, 'lab')
  const mounts = await files.make(pod(), 'nameserver 10.96.0.10\n')
  t.same(mounts, [
    { source: join(folder, 'u1/hosts'), target: '/etc/hosts', kind: 'file', readOnly: false },
    { source: join(folder, 'u1/resolv.conf'), target: '/etc/resolv.conf', kind: 'file', readOnly: false },
  ])
  const { ino } = statSync(join(folder, 'u1/hosts'))
  await files.fillHosts(pod(), ['10.244.0.2'])
  t.equal(statSync(join(folder, 'u1/hosts')).ino, ino)
  t.match(readFileSync(join(folder, 'u1/hosts'), 'utf8'), /10\.244\.0\.2\tweb\n/)
  t.equal((await files.make(pod(), undefined)).length, 1, "without a text the pod sees the host's")
  await files.remove('u1')
  await files.remove('u1')
  t.throws(() => statSync(join(folder, 'u1')))
})
