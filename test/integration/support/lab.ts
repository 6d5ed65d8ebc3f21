/** Labs of a test: below a home of their own, driven by the commands that people use. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createCommandRunner } from '../../../src/host/command.ts'

export const root = join(import.meta.dirname, '../../..')
export const podway = join(root, 'podway')
export const runner = createCommandRunner()

/** What an echo server says of a request. */
export interface Answer {
  readonly pod: string
  readonly node: string
  readonly client: string
}

export interface LabHome {
  readonly home: string
  /** Of the lab named `lab`. */
  readonly kubeconfig: string
  run(...args: readonly string[]): Promise<string>
  kubectl(...args: readonly string[]): Promise<string>
  kubectlJson<T>(...args: readonly string[]): Promise<T>
  /** `kubectl apply` of objects. */
  apply(...objects: readonly object[]): Promise<string>
  /** What the echo servers said to `count` requests from a host of the lab. */
  fetchFrom(host: string, url: string, count: number, ...more: readonly string[]): Promise<Answer[]>
}

/** The home goes with the test. Labs must have been ended before. */
export const createLabHome = async (): Promise<LabHome> => {
  const home = await mkdtemp(join(tmpdir(), 'pw-'))
  process.env['PODWAY_HOME'] = home
  process.env['PATH'] = `${process.env['PATH']}:/usr/sbin:/sbin`
  t.teardown(() => rm(home, { recursive: true, force: true }))
  const kubeconfig = join(home, 'labs/lab/kubeconfig')
  const run = (...args: readonly string[]): Promise<string> => runner.run(podway, args)
  const kubectl = (...args: readonly string[]): Promise<string> =>
    runner.run('kubectl', ['--kubeconfig', kubeconfig, ...args])
  return {
    ...{ home, kubeconfig, run, kubectl },
    kubectlJson: async (...args) => JSON.parse(await kubectl(...args, '-o', 'json')),
    apply: (...objects) =>
      runner.run(
        'kubectl',
        ['--kubeconfig', kubeconfig, 'apply', '-f', '-'],
        JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
      ),
    fetchFrom: async (host, url, count, ...more) => {
      const text = await run('lab', 'exec', host, '--', 'podway', 'fetch', url, '--count', String(count), ...more)
      return text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    },
  }
}
