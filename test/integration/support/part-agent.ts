/** An agent of some parts, as a process of its own, and a machine for it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createCommandRunner } from '../../../src/host/command.ts'
import type { ClusterServer } from '../../support/cluster-server.ts'
import { until } from '../../support/until.ts'

export const podway = join(import.meta.dirname, '../../../podway')
const runner = createCommandRunner()

export const nodeName = 'node1'
export const nodeAddress = '192.0.2.11'

/** A device with the node's address, once for the universe of a test file. */
export const makeUplink = async (): Promise<void> => {
  await runner.run('ip', ['link', 'add', 'uplink', 'type', 'bridge'])
  await runner.run('ip', ['address', 'add', `${nodeAddress}/24`, 'dev', 'uplink'])
  await runner.run('ip', ['link', 'set', 'uplink', 'up'])
  await runner.run('ip', ['route', 'add', 'default', 'via', '192.0.2.1'])
}

export interface Machine {
  readonly folder: string
  readonly stateDir: string
}

export const makeMachine = async (t: Test): Promise<Machine> => {
  const folder = await mkdtemp(join(tmpdir(), 'podway-parts-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return { folder, stateDir: join(folder, 'state') }
}

export interface PartAgent {
  readonly pid: number
  /** The messages of its log. */
  readonly messages: readonly string[]
  /** Polls until one of them fits. */
  says(pattern: RegExp, timeoutMs?: number): Promise<string>
  /** What it ends with; undefined while it runs. */
  exit(): number | string | undefined
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** Its folders are not made before. It ends with the test. */
export const startPartAgent = async (
  t: Test,
  { folder, stateDir }: Machine,
  server: ClusterServer,
  user: string,
  only: string | undefined,
  ...more: readonly string[]
): Promise<PartAgent> => {
  const kubeconfig = await server.kubeconfig(user, join(folder, `${user}.kubeconfig`))
  const child = spawn(
    podway,
    [
      ...['agent', '--kubeconfig', kubeconfig, '--node-name', nodeName, '--node-ip', nodeAddress],
      ...(only === undefined ? [] : ['--only', only]),
      ...['--state', stateDir, '--data', join(folder, 'data'), '--upstream', '192.0.2.99', ...more],
    ],
    { stdio: ['ignore', 'inherit', 'pipe'], env: { ...process.env, PODWAY_LOG: 'info' } },
  )
  const messages: string[] = []
  let rest = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) messages.push(line.startsWith('{') ? (JSON.parse(line) as { msg: string }).msg : line)
  })
  const ended = once(child, 'exit')
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await ended
  }
  t.teardown(() => stop('SIGKILL'))
  return {
    pid: child.pid ?? 0,
    messages,
    says: (pattern, timeoutMs = 15_000) =>
      until(() => messages.find((each) => pattern.test(each)), `${pattern}`, timeoutMs).catch((error: unknown) => {
        throw new Error(`${error instanceof Error ? error.message : error}; its log: ${messages.join('\n')}`)
      }),
    exit: () => child.exitCode ?? child.signalCode ?? undefined,
    stop,
  }
}
