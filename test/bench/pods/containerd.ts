/**
 * The same by containerd alone, through its own client: a container for a sandbox and one in it, without a network.
 *   sh scripts/universe.sh node_modules/.bin/node test/bench/pods/containerd.ts ARCHIVE LARGE-ARCHIVE ONES AT-ONCE
 * Says in JSON what it took.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCommandRunner } from '../../../src/host/command.ts'
import { until } from '../../support/until.ts'

const [archive = '', large = '', ones = '1', atOnce = '1'] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'podway-containerd-'))
const socket = '/run/containerd.sock'
const config = join(folder, 'config.toml')
mkdirSync(join(folder, 'root'))
writeFileSync(
  config,
  `version = 2
root = "${folder}/root"
state = "/run/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "${socket}"
`,
)
const daemon = spawn('containerd', ['--config', config, '--log-level', 'error'], { stdio: 'ignore' })
const runner = createCommandRunner()
const ctr = (...words: readonly string[]): Promise<string> =>
  runner.run('ctr', ['--address', socket, '--namespace', 'bench', ...words])

const image = 'docker.io/library/busybox:1'
const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now()
  await work()
  return performance.now() - began
}
const start = (id: string): Promise<string> => ctr('run', '--detach', image, id, 'sleep', '3600')
const pod = async (id: string): Promise<void> => {
  await start(`${id}-sandbox`)
  await start(id)
}
const end = (id: string) => ctr('tasks', 'kill', '--signal', 'SIGKILL', id).then(() => ctr('containers', 'rm', id))
const ids = (word: string, count: number) => Array.from({ length: count }, (_, n) => `${word}-${n}`)

try {
  await until(() => ctr('version').then(() => true), 'containerd', 30_000)
  await ctr('images', 'import', archive)
  const times: number[] = []
  for (const id of ids('one', Number(ones))) times.push(await timed(() => pod(id)))
  const together = await timed(() => Promise.all(ids('many', Number(atOnce)).map(pod)))
  const importMs = await timed(() => ctr('images', 'import', large))
  const started = [...ids('one', Number(ones)), ...ids('many', Number(atOnce))]
  await Promise.allSettled(started.flatMap((id) => [end(id), end(`${id}-sandbox`)]))
  console.log(JSON.stringify({ times, together, importRate: statSync(large).size / 1000 / importMs }))
} finally {
  const ended = once(daemon, 'exit')
  daemon.kill('SIGTERM')
  await ended
  rmSync(folder, { recursive: true, force: true })
}
