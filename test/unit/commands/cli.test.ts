import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'

const main = join(import.meta.dirname, '../../../src/main.ts')
const home = mkdtempSync(join(tmpdir(), 'pw-'))
// Each question is a process of its own.
t.setTimeout(120_000)
t.teardown(() => rmSync(home, { recursive: true }))

const podway = (...args: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', main, ...args],
    {
      encoding: 'utf8',
      env: { ...process.env, PODWAY_HOME: home },
    },
  )
  return { status, stdout, stderr }
}

t.test('exit codes: 0 done, 1 failed, 2 wrong use', async (t) => {
  t.match(podway('--version'), { status: 0, stdout: /^\d+\.\d+\.\d+\n$/ })
  t.match(podway('--help'), { status: 0, stdout: /Examples:[\s\S]*lab up/ })
  t.match(podway('lab', 'up', '--help'), { status: 0, stdout: /--nodes <count>/ })
  t.match(podway('lab', 'up', '--node', '3'), { status: 2, stderr: /unknown option '--node'[\s\S]*--nodes/ })
  t.match(podway('lba'), { status: 2, stderr: /unknown command 'lba'[\s\S]*lab/ })
  t.match(podway('lab', 'up', '--nodes', 'many'), { status: 2, stderr: /a whole number from 1 to 60/ })
  t.match(podway('lab', 'status', '-o', 'yaml'), { status: 2, stderr: /only json is known/ })
  t.match(podway('token', 'create', '--ttl', 'soon'), { status: 2, stderr: /expected a duration, such as 30m/ })
  t.match(podway('token', 'delete', '../x'), { status: 2, stderr: /is no token ID/ })
  t.match(podway('join', 'https://192.0.2.1', '--token', 'x'), { status: 2, stderr: /unknown option '--token'/ })
  t.match(podway('join', 'http://192.0.2.1', '--token-file', '-', '--node-ip', '192.0.2.9'), {
    status: 2,
    stderr: /expected https/,
  })
  t.match(podway('control', '--bind', '127.0.0.1', '--controllers', '*,-nothing', '--data', join(home, 'c')), {
    status: 2,
    stderr: /"nothing" is not in the list of known controllers: .*deployment-controller/,
  })
  t.match(podway('control', '--bind', '127.0.0.1', '--pod-cidr', '10.96.0.0/12', '--data', join(home, 'c')), {
    status: 2,
    stderr: /--service-cidr 10\.96\.0\.0\/16 overlaps --pod-cidr 10\.96\.0\.0\/12; \S+ is free/,
  })
  t.match(podway('control', '--bind', '127.0.0.1', '--horizontal-pod-autoscaler-sync-period', '0', '--data', home), {
    status: 2,
    stderr: /expected one second or more/,
  })
  const agent = ['agent', '--kubeconfig', '/nowhere', '--node-ip', '192.0.2.9', '--log-forward'] as const
  t.match(podway(...agent, 'ftp://me:secret@x/'), { status: 2, stderr: /^podway: --log-forward: expected file:/ })
  t.match(podway(...agent, 'http://x/', '--log-forward-token-file', 'f'), { status: 2, stderr: /HTTPS targets alone/ })
  t.match(podway(...agent, 'http://x/', '--only', 'proxy'), { status: 2, stderr: /with --only there are none/ })
  t.match(podway('drain-node', '--grace', '5s', '--state', home), {
    status: 2,
    stderr: /--critical 10s: expected no more/,
  })
  const simulate = ['simulate', '--kubeconfig', '/nowhere', '--nodes'] as const
  t.match(podway('simulate'), { status: 2, stderr: /--nodes <count>' not specified/ })
  t.match(podway(...simulate, '0'), { status: 2, stderr: /a whole number from 1 to 10000/ })
  t.match(podway(...simulate, '3', '--name-prefix', 'Sim'), { status: 2, stderr: /^podway: --name-prefix Sim: / })
  t.match(podway(...simulate, '300', '--node-cidr', '192.0.2.0/24'), {
    status: 2,
    stderr: /--node-cidr 192\.0\.2\.0\/24: expected a range with an address for 300 nodes/,
  })
  t.match(podway(...simulate, '3', '--memory', 'much'), { status: 2, stderr: /--memory much: expected an amount/ })
  t.match(podway(...simulate, '3', '--lease-period', '0'), { status: 2, stderr: /--lease-period 0: expected more/ })
  t.match(podway('logs', '--since', 'now'), { status: 2, stderr: /expected a duration/ })
  t.match(podway('logs', '-l', 'a=b=c'), { status: 2, stderr: /-l a=b=c: .*found '='/ })
  t.match(podway('logs', 'web-0', '-A'), { status: 2, stderr: /are found by labels/ })
  t.match(podway('logs', '-f', '-p'), { status: 2, stderr: /cannot be followed/ })
  const update = ['rolling-update', 'web'] as const
  t.match(podway(...update), { status: 2, stderr: /Must specify --filename or --image/ })
  t.match(podway(...update, '--image', 'x', '-f', 'x'), { status: 2, stderr: /can not both be specified/ })
  t.match(podway(...update, '--rollback', '--image', 'x'), { status: 2, stderr: /on rollback/ })
  t.match(podway(...update, '--image', 'x', '--image-pull-policy', 'Once'), { status: 2, stderr: /IfNotPresent/ })
  t.match(podway(...update, '-f', '/nowhere'), { status: 1, stderr: /cannot read \/nowhere/ })
  t.match(podway('logs'), { status: 1, stderr: /lab up/ })
  t.match(podway('kubeconfig'), { status: 1, stderr: /lab up/ })
  t.match(podway('lab', 'exec', 'client', '--', 'true'), { status: 1, stderr: /podway: .*lab/ })
  t.match(podway('fetch', 'http://127.0.0.1:1/'), {
    status: 1,
    stderr: /cannot fetch http:\/\/127\.0\.0\.1:1\/: .*ECONNREFUSED/,
  })
})

t.test('every command has help with what it is for', async (t) => {
  for (const words of [
    ['control'],
    ['drain-node'],
    ['image'],
    ['image', 'import'],
    ['image', 'build-rootfs'],
    ['backup'],
    ['restore'],
    ['agent'],
    ['join'],
    ['up'],
    ['cleanup'],
    ['token'],
    ['echo'],
    ['fetch'],
    ['kubeconfig'],
    ['logs'],
    ['rolling-update'],
    ['lab', 'down'],
    ['ingress', 'lint'],
  ]) {
    const { status, stdout } = podway(...words, '--help')
    t.equal(status, 0, words.join(' '))
    t.match(stdout, /^Usage: podway /)
  }
})

t.test('a lab that is down', async (t) => {
  t.match(JSON.parse(podway('lab', 'status', '-o', 'json').stdout), { name: 'lab', state: 'down' })
  t.match(podway('lab', 'down'), { status: 0 })
})
