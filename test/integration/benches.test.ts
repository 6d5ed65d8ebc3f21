/** Every bench in a tiny size: what is not run every day stops working, and nobody notices. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import t from 'tap'
import { createCommandRunner } from '../../src/host/command.ts'

/** With what each is compared. */
const peers: Readonly<Record<string, readonly string[]>> = {
  lab: ['kubectl'],
  proxy: ['perl'],
  network: ['perl', '/usr/lib/cni/host-local'],
  dns: ['dnsperf', 'unbound', 'dnsmasq'],
  ingress: ['nginx', 'haproxy', 'wrk', 'h2load', 'curl'],
  agent: [],
  api: [],
  pods: ['busybox', 'runc'],
  workloads: ['etcd'],
  fuzz: [],
}

const isThere = (program: string): boolean =>
  [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'].some((folder) => {
    try {
      accessSync(program.startsWith('/') ? program : join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

const root = join(import.meta.dirname, '../..')
const runner = createCommandRunner()

for (const [bench, programs] of Object.entries(peers)) {
  const missing = programs.filter((program) => !isThere(program))
  const skip = missing.length > 0 && `${missing.join(', ')} missing: "npm run bench -- ${bench}" installs what it needs`
  t.test(bench, { skip, timeout: 120_000 }, async (t) => {
    const said = await runner.run('sh', [join(root, 'scripts/bench.sh'), '--smoke', bench])
    t.match(said, new RegExp(`== ${bench}\\n[\\s\\S]*\\d`), 'there are figures')
    t.notMatch(said, /NaN|undefined/)
  })
}

t.test('no bench is forgotten', async (t) => {
  const said = await runner
    .run('sh', [join(root, 'scripts/bench.sh'), 'no-such'])
    .catch((error: unknown) => String(error))
  t.match(said, `there is no bench called no-such: ${Object.keys(peers).join(', ')}`)
})
