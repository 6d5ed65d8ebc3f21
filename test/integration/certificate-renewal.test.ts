/** An agent renews its certificates while it runs: here they are good for a few seconds. */
import { spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readKubeconfig } from '../../src/api/kubeconfig.ts'
import { createCommandRunner } from '../../src/host/command.ts'
import { until } from '../support/until.ts'
import { ip } from './support/hosts.ts'

const root = join(import.meta.dirname, '../..')
const podway = join(root, 'podway')
const runner = createCommandRunner()
const folder = await mkdtemp(join(tmpdir(), 'pw-'))
t.setTimeout(180_000)
t.teardown(() => rm(folder, { recursive: true, force: true }))

const address = '172.31.9.1'
const dirs = { state: join(folder, 'state'), data: join(folder, 'data'), control: join(folder, 'control') }
const cgroupParent = `podway-renewal-${process.pid}`
const kubectl = (...args: readonly string[]): Promise<string> =>
  runner.run('kubectl', ['--kubeconfig', join(dirs.control, 'admin.kubeconfig'), ...args])

const clientCertificate = async (): Promise<X509Certificate> =>
  new X509Certificate((await readKubeconfig(join(dirs.data, 'vm.kubeconfig'))).cert ?? '')

const servingCertificate = async (): Promise<X509Certificate> => {
  const { cert } = JSON.parse(await readFile(join(dirs.data, 'serving-certificate.json'), 'utf8'))
  return new X509Certificate(cert)
}

t.test('certificates are renewed without a restart', async (t) => {
  await ip(['link set lo up', 'link add out type bridge', `address add ${address}/24 dev out`, 'link set out up'])
  await ip(['route add default via 172.31.9.100'])
  const child = spawn(
    podway,
    [
      ...['up', '--node-name', 'vm', '--node-ip', address, '--control-data', dirs.control, '--state', dirs.state],
      ...['--data', dirs.data, '--cgroup-parent', cgroupParent],
      ...['--cluster-signing-duration', '15s'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk))
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
    const ours = ['--state', dirs.state, '--data', dirs.data, '--cgroup-parent', cgroupParent]
    await runner.run(podway, ['cleanup', ...ours])
  })
  await until(async () => /vm +Ready/.test(await kubectl('get', 'nodes').catch(() => '')), 'the node', 60_000)
  const [client, serving] = [await clientCertificate(), await servingCertificate()]
  t.ok(Date.parse(client.validTo) - Date.now() <= 15_000, 'no longer than the cluster allows')
  await kubectl('run', 'web', '--image=podway/echo', '--restart=Never')
  await until(async () => /echo listens/.test(await kubectl('logs', 'web').catch(() => '')), 'its log', 20_000)

  const isOver = (certificate: X509Certificate): boolean => Date.now() > Date.parse(certificate.validTo)
  await until(() => isOver(client) && isOver(serving), 'the end of the first ones', 30_000)
  t.not((await clientCertificate()).serialNumber, client.serialNumber)
  await until(async () => !isOver(await servingCertificate()), 'a serving certificate that is good', 5_000)
  t.match(await kubectl('logs', 'web'), /echo listens/, 'the control plane trusts the new one')
  await kubectl('delete', 'pod', 'web', '--grace-period=1')
  await until(async () => !/web/.test(await kubectl('get', 'pods')), 'the pod deleted by its agent', 20_000)
  t.match(await kubectl('get', 'nodes'), /vm +Ready/)
  t.equal(child.exitCode, null, 'it is the same process')
  t.notMatch(said, /cannot renew/)
})
