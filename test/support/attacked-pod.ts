/** Starts pods with an attacker in them, and prints what the attacker found open, as JSON. Run as root of some namespace. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createProcessRuntime } from '../../src/agent/runtime/process/process-runtime.ts'
import { silentLogger } from '../../src/host/log.ts'
import { containerSpec, sandboxSpec } from './runtime-contract.ts'
import { until } from './until.ts'

process.env['LAUNCHER_SECRET'] = 'the-secret'
process.env['PATH'] = `/root/bin:/tmp/plant:${process.env['PATH']}`
const folder = mkdtempSync(join(tmpdir(), 'podway-'))
const stateDir = join(folder, 'state')
mkdirSync(stateDir, { mode: 0o700 })
const secret = join(stateDir, 'admin.kubeconfig')
writeFileSync(secret, 'the-secret\n', { mode: 0o600 })
const runtime = createProcessRuntime({
  stateDir,
  cgroups: undefined,
  onChange: () => undefined,
  onDamage: () => undefined,
  log: silentLogger,
})

const run = async (pod: string, name: string, command: readonly string[], more = {}): Promise<readonly string[]> => {
  const spec = containerSpec(folder, `${pod}-${name}`, command, more)
  await runtime.containers.start(pod, spec)
  const isOver = async () =>
    (await runtime.sandboxes.list())
      .flatMap(({ containers }) => containers)
      .some(({ name: each, exit }) => each === spec.name && exit)
  await until(isOver, `the end of ${name}`, 30_000)
  return readFileSync(spec.logFile, 'utf8').trim().split('\n')
}

const attack = ['sh', join(import.meta.dirname, 'attack.sh'), secret]
const rights = ['sh', '-c', 'grep -E "CapBnd|CapEff|NoNewPrivs" /proc/self/status | tr -d "\\t"']
const found: Record<string, readonly string[]> = {}
for (const [pod, more] of [
  ['own', {}],
  ['host', { hostNetwork: true }],
] as const) {
  await runtime.sandboxes.start(sandboxSpec(pod, more))
  found[pod] = await run(pod, 'attack', attack)
  found[`${pod} rights`] = await run(pod, 'rights', rights)
  const env = { PATH: '/tmp/plant:/usr/bin:/bin', LD_PRELOAD: '/tmp/evil.so', ENV: '/tmp/evil', BASH_ENV: '/tmp/evil' }
  found[`${pod} planted`] = await run(pod, 'planted', ['sh', '-c', 'cat /tmp/planted'], { env })
  await runtime.containers.start(
    pod,
    containerSpec(folder, `${pod}-stays`, ['sleep', '3600'], { noNewPrivileges: true }),
  )
  const id = `${pod}_${pod}-stays_0`
  found[`${pod} exec`] = (await runtime.streams.exec(id, attack, 30_000)).output.trim().split('\n')
  found[`${pod} exec rights`] = (await runtime.streams.exec(id, rights, 5_000)).output.trim().split('\n')
}
found['all'] = await run('own', 'all', rights, { capabilities: 'all' })
found['none'] = await run('own', 'none', rights, { capabilities: [] })
found['works'] = await run('own', 'works', [
  ...['sh', '-ec'],
  `cd /tmp; echo file >b; cat b; echo >/dev/null; head -c 1 /dev/urandom | wc -c; id -u
   ${process.execPath} -e 'console.log(1 + 1)'; ls / | tr '\\n' ' '`,
])
for (const { id } of await runtime.sandboxes.list()) await runtime.sandboxes.end(id, 'forget')
rmSync(folder, { recursive: true })
process.stdout.write(`${JSON.stringify(found)}\n`)
