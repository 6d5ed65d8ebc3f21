import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readKubeconfig } from '../../../src/api/kubeconfig.ts'

const folder = await mkdtemp(join(tmpdir(), 'podway-kubeconfig-'))
t.teardown(() => rm(folder, { recursive: true }))
const file = join(folder, 'config')
const write = (user: object): Promise<void> =>
  writeFile(
    file,
    JSON.stringify({
      clusters: [{ name: 'c', cluster: { server: 'https://api.lab:6443' } }],
      users: [{ name: 'node-a', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'node-a' } }],
      'current-context': 'x',
    }),
  )

for (const [way, user] of Object.entries({
  exec: { exec: { command: 'aws', args: ['eks', 'get-token'] } },
  'auth-provider': { 'auth-provider': { name: 'gcp' } },
  username: { username: 'a', password: 'b' },
}))
  t.test(`a user with ${way} is refused, with what to give in its place`, async (t) => {
    await write(user)
    await t.rejects(readKubeconfig(file), {
      message: new RegExp(
        `cannot use .*config: .*user "node-a" gets its credentials by "${way}".*client certificate, a token`,
      ),
    })
  })

t.test('a token file is read relative to the kubeconfig, and anew each time', async (t) => {
  await write({ tokenFile: 'token' })
  await writeFile(join(folder, 'token'), 'one\n')
  t.equal((await readKubeconfig(file)).token, 'one')
  await writeFile(join(folder, 'token'), 'two\n')
  t.equal((await readKubeconfig(file)).token, 'two')
})
