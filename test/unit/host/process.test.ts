import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { killFamily, signalProcess } from '../../../src/host/process.ts'
import { soon } from '../../support/until.ts'

const start = (t: Test, script: string) => {
  const child = spawn('sh', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
  t.teardown(() => signalProcess(-(child.pid ?? Number.NaN), 'SIGKILL'))
  const ended = once(child, 'exit')
  return { pid: child.pid ?? Number.NaN, stdout: child.stdout, ended }
}

t.test('who loses its parent while the family is looked for is killed, too', async (t) => {
  const parent = start(t, 'exec sleep 3600')
  const orphan = start(t, 'exec sleep 3600')
  let looks = 0
  const children = async (pid: number) => (pid === parent.pid && looks++ === 0 ? [orphan.pid] : [])
  await killFamily(parent.pid, children)
  for (const { ended } of [parent, orphan]) t.same(await soon(ended, 'the end'), [null, 'SIGKILL'])
})

t.test('and who had lost it before but is in its group', async (t) => {
  // Its output ends with the last of its processes.
  const parent = start(t, '(sleep 3600 &); echo started; exec sleep 3600')
  await once(parent.stdout, 'data')
  const silent = once(parent.stdout.resume(), 'end')
  await killFamily(parent.pid, async () => [])
  t.same(await soon(parent.ended, 'the end'), [null, 'SIGKILL'])
  await soon(silent, 'the end of the other')
  t.pass('nobody is left to say anything')
})
