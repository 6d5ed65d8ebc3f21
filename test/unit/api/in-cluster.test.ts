import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readInClusterConnection } from '../../../src/api/in-cluster.ts'

const folder = await mkdtemp(join(tmpdir(), 'podway-in-cluster-'))
t.teardown(() => rm(folder, { recursive: true }))

t.test('a pod reaches the API server as its ServiceAccount, by either family', async (t) => {
  await writeFile(join(folder, 'ca.crt'), 'authority')
  await writeFile(join(folder, 'token'), 'secret\n')
  const at = (address: string) =>
    readInClusterConnection({ KUBERNETES_SERVICE_HOST: address, KUBERNETES_SERVICE_PORT: '443' }, folder)
  t.same(await at('10.96.0.1'), { server: 'https://10.96.0.1:443', ca: 'authority', token: 'secret' })
  t.match(await at('fd00::1'), { server: 'https://[fd00::1]:443' })
  await writeFile(join(folder, 'token'), 'rotated')
  t.match(await at('10.96.0.1'), { token: 'rotated' })
})

t.test('what is missing is said', async (t) => {
  await t.rejects(readInClusterConnection({}, folder), /no KUBERNETES_SERVICE_HOST.*not in a pod; give a kubeconfig/)
  const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' }
  await t.rejects(readInClusterConnection(env, join(folder, 'nowhere')), /nowhere/)
})
