/** The loopback plugin that "podway cni install" brings, with a namespace of its own. */
import { join } from 'node:path'
import t from 'tap'
import { createCommandRunner } from '../../src/host/command.ts'
import { runPlugin } from './support/cni-runtime.ts'

const plugin = join(import.meta.dirname, '../../src/overlay/cni/loopback.sh')
const runner = createCommandRunner()
await runner.run('sh', ['-c', `mkdir -p /run/bin && cp ${plugin} /run/bin/loopback && chmod 755 /run/bin/loopback`])
await runner.run('ip', ['netns', 'add', 'pod'])
const netns = '/run/netns/pod'
const run = (command: string, more: object = { netns }) =>
  runPlugin(
    '/run/bin/loopback',
    { command, containerId: 'c1', ifname: 'lo', ...more },
    JSON.stringify({ cniVersion: '0.3.1', name: 'cni-loopback', type: 'loopback' }),
  )
const isUp = async (): Promise<boolean> =>
  (await runner.run('ip', ['-n', 'pod', '-o', 'link', 'show', 'dev', 'lo'])).includes('LOOPBACK,UP')

t.test('ADD, CHECK, DEL', async (t) => {
  t.notOk(await isUp())
  t.match((await run('CHECK')).failure, { code: 102 })
  const { result, failure } = await run('ADD')
  t.equal(failure, undefined)
  t.match(result, {
    cniVersion: '0.3.1',
    interfaces: [{ name: 'lo', sandbox: netns }],
    ips: [{ interface: 0, address: '127.0.0.1/8' }],
  })
  t.ok(await isUp())
  t.equal((await run('CHECK')).failure, undefined)
  t.equal((await run('ADD')).failure, undefined, 'again')
  t.equal((await run('DEL')).failure, undefined)
  t.notOk(await isUp())
  t.equal((await run('DEL', { netns: '/run/netns/gone' })).failure, undefined, 'what is gone needs nothing')
})

t.test('what cannot be done is an error', async (t) => {
  t.match((await run('ADD', { netns: '/run/netns/gone' })).failure, { code: 5, msg: /cannot set lo up in .*gone/ })
  t.match((await run('ADD', {})).failure, { code: 4 })
  t.match((await run('ADD', { netns: '/run/"' })).failure, { code: 4 })
  t.match((await run('DANCE')).failure, { code: 4 })
  t.match((await run('VERSION')).result?.supportedVersions, ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'])
})
