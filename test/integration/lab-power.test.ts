/** Power cuts: what is on a lab host's disk outlives them, what is in its memory does not, and the status says so. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../support/until.ts'
import { createLabHome } from './support/lab.ts'

t.setTimeout(300_000)
const { run, kubectl, apply } = await createLabHome()

interface Status {
  readonly state: string
  readonly waiting: readonly string[]
  readonly hosts: readonly { readonly name: string; readonly authority?: string }[]
}

const status = async (): Promise<Status> => JSON.parse(await run('lab', 'status', '-o', 'json'))
const isWhole = async (): Promise<boolean> => (await status()).state === 'running'
const authorities = async () => (await status()).hosts.flatMap(({ authority }) => authority ?? [])
const write = (host: string, file: string) => run('lab', 'exec', host, '--', 'sh', '-c', `echo kept >${file}`)
const isThere = (host: string, file: string) =>
  run('lab', 'exec', host, '--', 'sh', '-c', `test ! -e ${file} || echo yes`).then((said) => said.trim() === 'yes')

const service = (name: string) => ({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name } },
  spec: { ports: [{ port: 80 }], selector: { app: name } },
})

t.test('power cuts', async (t) => {
  t.teardown(() => run('lab', 'down'))
  await run('lab', 'up', '--nodes', '2')
  t.same((await status()).waiting, [], 'a lab that is whole waits for nothing')
  await apply(service('before'))
  const first = await authorities()
  t.equal(first.length, 3)
  t.equal(new Set(first).size, 1, 'all trust one authority')

  await t.test('of nothing: what runs is told so', async (t) => {
    t.equal(await run('lab', 'revive', 'node1'), 'node1 is up already, and its agent daemon runs\n')
    t.equal(await run('lab', 'revive', 'client'), 'client is up already\n')
    await t.rejects(run('lab', 'revive', 'node9'), /node9/)
  })

  await t.test('of the control plane', async (t) => {
    await run('lab', 'kill', 'control')
    t.match(
      await run('lab', 'kill', 'control'),
      /^control was killed already; bring it back with: podway lab revive control/,
    )
    const dark = await status()
    t.equal(dark.state, 'degraded')
    t.match(dark.waiting.join('\n'), /control was killed.*podway lab revive control[\s\S]*the API does not answer: /)
    const began = Date.now()
    await run('lab', 'revive', 'control')
    t.match(await until(() => kubectl('get', 'service', 'before').catch(() => ''), 'the API', 20_000), /before/)
    t.ok(Date.now() - began < 15_000, `the API answered after ${Date.now() - began} ms`)
    await until(isWhole, 'the lab to be whole', 30_000)
    t.same(await authorities(), first, 'the same authority')
    await apply(service('after'))
    const find = () => run('lab', 'exec', 'node1', '--', 'podway', 'dns', 'query', 'after.default.svc.cluster.local')
    await until(
      () =>
        find()
          .then((said) => /10\.96\./.test(said))
          .catch(() => false),
      'the nodes to follow',
      30_000,
    )
  })

  await t.test('of a node', async (t) => {
    const { hosts } = await status()
    t.ok(hosts.some(({ name }) => name === 'node1'))
    for (const file of ['/var/lib/mine', '/var/lib/podway/mine', '/run/mine']) await write('node1', file)
    await run('lab', 'kill', 'node1')
    t.match((await status()).waiting, [/node1 was killed/])
    await run('lab', 'revive', 'node1')
    await until(isWhole, 'the lab to be whole', 30_000)
    t.ok(await isThere('node1', '/var/lib/mine'))
    t.ok(await isThere('node1', '/var/lib/podway/mine'))
    t.notOk(await isThere('node1', '/run/mine'))
    t.notOk(await isThere('node2', '/var/lib/mine'), 'another host has a disk of its own')
    t.ok(await isThere('node1', '/var/lib/podway/node1.kubeconfig'))
  })

  const control = (script: string) => run('lab', 'exec', 'control', '--', 'sh', '-c', script)
  const data = '/var/lib/podway/control'
  const finds = (name: string) =>
    run('lab', 'exec', 'node1', '--', 'podway', 'dns', 'query', `${name}.default.svc.cluster.local`).then(
      (said) => /10\.96\./.test(said),
      () => false,
    )

  await t.test('a store that is restored from a copy is followed by all nodes', async (t) => {
    await run('lab', 'kill', 'control', '--agent')
    await control(`cp -a ${data} /var/lib/podway/copy`)
    await run('lab', 'revive', 'control')
    await until(isWhole, 'the lab to be whole', 30_000)
    for (const n of [1, 2, 3]) await apply(service(`lost${n}`))
    await until(() => finds('lost3'), 'the nodes to know what will be lost', 30_000)

    await run('lab', 'kill', 'control', '--agent')
    await control(`rm ${data}/store.db*; cp -a /var/lib/podway/copy/store.db* ${data}`)
    await run('lab', 'revive', 'control')
    await until(isWhole, 'the lab to be whole', 40_000)
    await apply(service('restored'))
    await until(() => finds('restored'), 'the nodes to follow the store', 30_000)
    t.notOk(await finds('lost3'), 'and to forget what it does not know')
    t.ok(await finds('after'))
  })

  await t.test('a damaged authority is refused, in words that help', async (t) => {
    await run('lab', 'kill', 'control', '--agent')
    await control(`: >${data}/pki/ca.key`)
    await run('lab', 'revive', 'control')
    const said = await until(async () => {
      const text = (await status()).waiting.join('\n')
      return text.includes('has ended') && text
    }, 'the status to tell')
    t.match(said, /the control daemon of control has ended \(exit code 1\).*see its log/)
    const { logs } = JSON.parse(await run('lab', 'status', '-o', 'json'))
    t.match(
      readFileSync(join(logs, 'control.log'), 'utf8'),
      /pki\/ca\.key is empty: restore ca\.crt and ca\.key from a backup/,
    )
    await control(`cp -a /var/lib/podway/copy/pki/ca.key ${data}/pki/ca.key`)
    await until(isWhole, 'the lab to be whole', 40_000)
    t.same(await authorities(), first)
  })

  await t.test('a lost store begins anew, and the nodes with it', async (t) => {
    await run('lab', 'kill', 'control', '--agent')
    await control(`rm ${data}/store.db*`)
    await run('lab', 'revive', 'control')
    await until(isWhole, 'the lab to be whole', 60_000)
    t.notMatch(await kubectl('get', 'services'), /before/)
    for (const name of ['before', 'after']) await apply(service(name))
    await until(() => finds('before'), 'the nodes to follow the store', 30_000)
  })

  await t.test('of all at once, and they come back in the wrong order', async (t) => {
    for (const host of ['control', 'node1', 'node2']) await run('lab', 'kill', host)
    for (const host of ['node2', 'node1', 'control']) await run('lab', 'revive', host)
    await until(isWhole, 'the lab to be whole', 40_000)
    t.match(await kubectl('get', 'services'), /after[\s\S]*before/)
  })
})
