import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openTakeover } from '../../../src/agent/takeover.ts'
import { silentLogger } from '../../../src/host/log.ts'
import { identify } from '../../../src/host/process.ts'
import { recordingLog } from '../../support/recording-log.ts'
import { until } from '../../support/until.ts'

const program = join(import.meta.dirname, '../../support/claiming-child.ts')
const graceMs = 300

const newFolder = async (t: Test): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'podway-takeover-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

interface Child {
  readonly process: ChildProcess
  said(): string
  readonly ended: Promise<readonly unknown[]>
}

const startChild = async (t: Test, folder: string, manner: string, ...parts: readonly string[]): Promise<Child> => {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, folder, manner, ...parts], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  let said = ''
  child.stdout?.on('data', (chunk) => {
    said += chunk
  })
  await until(() => said.includes('claimed'), 'the claim')
  return { process: child, said: () => said, ended }
}

t.test('one part is taken over, the process goes on with the others', async (t) => {
  const folder = await newFolder(t)
  const child = await startChild(t, folder, 'polite', 'proxy', 'dns')
  t.equal((await stat(join(folder, 'takeover'))).mode & 0o777, 0o700)
  const takeover = await openTakeover(folder, silentLogger, graceMs)
  const proxy = await takeover.claim('proxy')
  t.ok(await proxy.hasOthers())
  t.equal(child.said(), 'claimed\n', 'nothing is asked of it yet')
  await proxy.replaceOthers()
  t.equal(child.said(), 'claimed\nasked proxy\n')
  t.notOk(await proxy.hasOthers())
  t.equal(child.process.exitCode, null)
  t.notOk(proxy.signal.aborted)

  const dns = await takeover.claim('dns')
  await dns.replaceOthers()
  t.same(await child.ended, [0, null], 'once it has none left it ends')
  await Promise.all([proxy.end(), dns.end()])
  await takeover.close()
  t.same(await readdir(join(folder, 'takeover')), [`${child.process.pid}.sock`])
  await (await openTakeover(folder, silentLogger)).close()
  t.same(await readdir(join(folder, 'takeover')), [], 'the next one tidies up')
})

t.test('this process is asked in its turn', async (t) => {
  const folder = await newFolder(t)
  const takeover = await openTakeover(folder, silentLogger, graceMs)
  const claim = await takeover.claim('network')
  await claim.replaceOthers()
  t.notOk(claim.signal.aborted, 'there is nobody')
  await startChild(t, folder, 'polite', 'network')
  await claim.replaceOthers()
  t.ok(claim.signal.aborted, 'the newer claim counts, whoever looks first')
  await claim.end()
  await takeover.close()
})

for (const [manner, signal] of [
  ['deaf', null],
  ['stuck', 'SIGKILL'],
] as const)
  t.test(`one that is ${manner} is ended`, async (t) => {
    const folder = await newFolder(t)
    const child = await startChild(t, folder, manner, 'proxy')
    const { log, messages } = recordingLog()
    const takeover = await openTakeover(folder, log, graceMs)
    const claim = await takeover.claim('proxy')
    await claim.replaceOthers()
    t.same(await child.ended, signal === null ? [0, null] : [null, signal])
    t.match(child.said(), /asked proxy/, 'but it was asked first')
    t.match(messages, [/replacing the running agent/, /does not release it/])
    await claim.end()
    await takeover.close()
  })

t.test('what a dead process has claimed is nobody’s, and neither is what another one of its number did', async (t) => {
  const folder = await newFolder(t)
  const takeover = await openTakeover(folder, silentLogger, graceMs)
  const parent = await identify(process.ppid)
  const write = (name: string, claimed: object) => writeFile(join(folder, 'takeover', name), JSON.stringify(claimed))
  await write('dns.99999999.json', { pid: 99_999_999, startTime: '1', at: '1' })
  await write(`dns.${process.ppid}.json`, { ...parent, startTime: '1', at: '1' })
  await write('dns.99999998.json', { pid: process.ppid, startTime: parent?.startTime, at: '1' })
  const claim = await takeover.claim('dns')
  t.notOk(await claim.hasOthers())
  t.same(
    (await readdir(join(folder, 'takeover'))).filter((name) => name.startsWith('dns')),
    [`dns.${process.pid}.json`],
  )
  await claim.end()
  await takeover.close()
})
