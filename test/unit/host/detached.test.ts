import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { runBounded } from '../../../src/host/bounded.ts'
import { startDetached } from '../../../src/host/detached.ts'
import { identify } from '../../../src/host/process.ts'
import { until } from '../../support/until.ts'

const env = { PATH: process.env['PATH'] ?? '' }

t.test('a detached process and its starter talk until one lets go', async (t) => {
  const log = join(t.testdir(), 'log')
  const output = openSync(log, 'a')
  const script = 'echo hello >&3; read -r word <&3; echo "got $word"; echo "heard $word" >&3; exec 3>&-; exec sleep 60'
  const child = await startDetached('sh', ['-c', script], { output, env })
  closeSync(output)
  t.equal(await child.readLine(5_000), 'hello')
  child.send('go')
  t.equal(await child.readLine(5_000), 'heard go')
  t.equal(await child.readLine(5_000), undefined, 'it closed the channel')
  child.release()
  t.equal(readFileSync(log, 'utf8'), 'got go\n')
  t.ok(await identify(child.pid))
  process.kill(-child.pid, 'SIGKILL')
  await until(async () => (await identify(child.pid)) === undefined, 'its end')
})

t.test('silence has its limit, and a missing program is an error', async (t) => {
  const child = await startDetached('sleep', ['60'], { env })
  await t.rejects(child.readLine(20), { name: 'TimeoutError' })
  process.kill(-child.pid, 'SIGKILL')
  t.equal(await child.readLine(5_000), undefined)
  child.release()
  await t.rejects(startDetached('/no/such/program', [], { env }), { code: 'ENOENT' })
})

t.test('bounded commands', async (t) => {
  const run = (script: string, timeoutMs = 5_000) =>
    runBounded('sh', ['-c', script], { timeoutMs, maxOutputBytes: 10, env })
  t.same(await run('echo out; echo err >&2; exit 3'), { exitCode: 3, output: 'out\nerr\n' })
  t.equal((await run('echo 0123456789abcdef')).output, '0123456789')
  t.equal((await run('kill -TERM $$')).exitCode, 143)
  const started = Date.now()
  t.equal((await run('echo late; sleep 60', 50)).exitCode, undefined)
  t.equal((await run('sleep 60 & echo bye')).exitCode, 0, 'a child that stays behind keeps nobody waiting')
  t.equal((await run('setsid sleep 5 & echo bye')).output, 'bye\n', 'nor does one that has left the group')
  t.ok(Date.now() - started < 5_000)
  await t.rejects(runBounded('/no/such/program', [], { timeoutMs: 1, maxOutputBytes: 1, env }), { code: 'ENOENT' })
})
