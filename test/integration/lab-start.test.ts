/** Starts of labs that fail or are interrupted, and ends of labs whose keeper is gone: nothing is left in any case. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { cgroupPrefix, labPaths } from '../../src/lab/plan.ts'
import { damages } from '../support/damage.ts'
import { until } from '../support/until.ts'
import { createLabHome, podway, runner } from './support/lab.ts'

t.setTimeout(300_000)
const { home, run } = await createLabHome()
const paths = labPaths(home, 'lab')

const processes = async (): Promise<readonly string[]> =>
  (await runner.run('ps', ['-eo', 'pid,args']))
    .split('\n')
    .filter((line) => line.includes(paths.folder) && !/ ps -eo/.test(line))

const cgroups = async (): Promise<readonly string[]> =>
  (await runner.run('find', ['/sys/fs/cgroup', '-maxdepth', '6', '-type', 'd', '-name', `${cgroupPrefix(paths)}*`]))
    .split('\n')
    .filter(Boolean)

const leavesNothing = async (t: Test, files: readonly string[] = []): Promise<void> => {
  await until(async () => (await processes()).length === 0, 'its processes to end').catch(async (error: unknown) => {
    t.comment((await processes()).join('\n'))
    throw error
  })
  t.same(await cgroups(), [], 'no control groups')
  t.same(existsSync(join(home, 'labs')) ? readdirSync(join(home, 'labs')) : [], files, 'no files')
}

const start = (...args: readonly string[]) => {
  const child = spawn(podway, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk))
  return { child, said: () => said, ended: once(child, 'close') as Promise<[number | null, string | null]> }
}

t.test('a port that is taken is told of before anything is made', async (t) => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const { said, ended } = start('lab', 'up', '--nodes', '1', '--publish', `${port}:80`)
  const began = Date.now()
  const [code] = await ended
  t.equal(code, 1)
  t.match(said(), new RegExp(`port ${port} of 127\\.0\\.0\\.1 is taken: publish another one, or 0 for any`))
  t.ok(Date.now() - began < 10_000)
  await leavesNothing(t)
})

t.test('a start that fails keeps the log that it names', async (t) => {
  // Its universe cannot be made: the folder of the sockets is no folder.
  const up = start('lab', 'up', '--nodes', '1')
  await until(() => existsSync(paths.plan), 'the plan')
  writeFileSync(join(paths.folder, 's'), '')
  const [code] = await up.ended
  t.equal(code, 1)
  t.match(
    up.said(),
    /the lab ended while waiting for the universe; see the logs in \S+\/labs\/lab\.failed\n[\s\S]*EEXIST/,
  )
  t.match(readFileSync(join(paths.failedLogs, 'lab.log'), 'utf8'), /EEXIST/)
  await leavesNothing(t, ['lab.failed'])
  t.match(await run('lab', 'down'), /no lab named lab was up/)
  await leavesNothing(t)
})

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  t.test(`${signal} at any moment of a start takes back what was made`, async (t) => {
    const moments = {
      'at once': () => true,
      'when the keeper starts': () => existsSync(paths.plan),
      'when it keeps': () => existsSync(paths.state),
      'when the universe answers': () => existsSync(paths.command),
      'when the API answers': () => existsSync(paths.kubeconfig),
    }
    for (const [name, isNow] of Object.entries(moments)) {
      // The others go the same way.
      if (signal !== 'SIGINT' && name !== 'when the universe answers') continue
      const { child, said, ended } = start('lab', 'up', '--nodes', '1')
      await until(isNow, name)
      child.kill(signal)
      const [code, by] = await ended
      // Before it has begun, it ends as any program does.
      t.ok(by === signal || (code ?? 0) > 128, `${name}: ended with ${code ?? by}; ${said()}`)
      await leavesNothing(t)
    }
  })

t.test('an interrupted command leaves a lab alone that was there before', async (t) => {
  t.teardown(() => run('lab', 'down'))
  await run('lab', 'up', '--nodes', '1')
  await run('lab', 'kill', 'node1')
  await run('lab', 'kill', 'control')
  const { child, ended } = start('lab', 'up', '--nodes', '1')
  await until(
    async () => (await runner.run('ps', ['-o', 'stat=', '-p', String(child.pid)])).startsWith('S'),
    'it to wait',
  )
  child.kill('SIGINT')
  await ended
  t.match(JSON.parse(await run('lab', 'status', '-o', 'json')), { state: 'degraded' })
  for (const host of ['control', 'node1']) await run('lab', 'revive', host)

  await t.test('exec: what it runs ends with it', async (t) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const) {
      const mark = `7${process.pid}${signal.length}`
      const exec = start('lab', 'exec', 'node1', '--', 'sleep', mark)
      const sleepers = async () =>
        (await runner.run('ps', ['-eo', 'args'])).split('\n').filter((line) => line === `sleep ${mark}`)
      await until(async () => (await sleepers()).length === 1, 'the command')
      exec.child.kill(signal)
      await exec.ended
      await until(async () => (await sleepers()).length === 0, `the command to end by ${signal}`)
    }
    const [code] = await start('lab', 'exec', 'node1', '--', 'sh', '-c', 'kill -9 $$').ended
    t.equal(code, 137)
    for (const [word, wanted, says] of [
      ['nosuch', 127, 'podway: nosuch: command not found\n'],
      ['/etc/passwd', 126, 'podway: /etc/passwd: Permission denied\n'],
    ] as const) {
      const refused = start('lab', 'exec', 'node1', '--', word)
      t.same([(await refused.ended)[0], refused.said()], [wanted, says])
    }
  })

  await t.test('a demo that is interrupted leaves it, too', async (t) => {
    const demo = start('lab', 'demo')
    await demo.ended
    t.match(demo.said(), /is up with other options/)
    t.match(JSON.parse(await run('lab', 'status', '-o', 'json')), { name: 'lab', keeper: /\d+/ })
  })
})

t.test('down after the keeper was killed takes all of it', async (t) => {
  await run('lab', 'up', '--nodes', '1')
  const { keeper } = JSON.parse(await run('lab', 'status', '-o', 'json'))
  t.not((await cgroups()).length, 0)
  process.kill(keeper, 'SIGKILL')
  await until(async () => (await processes()).length === 0, 'the universe to go with its keeper')
  t.match(await run('lab', 'status'), /lab lab is down; podway lab down --name lab removes what is left of it/)
  t.match(await run('lab', 'down'), /what was left of one is gone/)
  await leavesNothing(t)
  t.match(await run('lab', 'down'), /no lab named lab was up\n/, 'repeatable')
})

t.test('down needs none of the files of a lab', async (t) => {
  for (const damage of ['cut in the middle', 'a folder', 'gone'] as const) {
    await run('lab', 'up', '--nodes', '1')
    damages[damage](paths.state)
    damages[damage](paths.plan)
    if (damage !== 'gone') {
      const status = start('lab', 'status')
      t.equal((await status.ended)[0], 1)
      t.match(status.said(), /labs\/lab\/state\.json .*podway lab down --name lab/, damage)
    }
    t.match(await run('lab', 'down'), /lab lab is gone/, damage)
    await leavesNothing(t)
  }
})
