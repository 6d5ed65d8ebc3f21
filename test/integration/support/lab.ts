/** Labs of a test: below a home of their own, driven by the commands that people use. */
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import { type CommandRunner, createCommandRunner, prefixed } from '../../../src/host/command.ts'
import { enterHost } from '../../../src/lab/enter.ts'
import { labPaths } from '../../../src/lab/plan.ts'
import { readLab } from '../../../src/lab/state.ts'

export const root = join(import.meta.dirname, '../../..')
export const podway = join(root, 'podway')
export const runner = createCommandRunner()

/** What an echo server says of a request. */
export interface Answer {
  readonly pod: string
  readonly node: string
  readonly client: string
}

/** Who starts a lab: with which words before each command, and by which path to the program. */
export interface LabUser {
  readonly id: number
  readonly words: readonly [string, ...string[]]
  readonly podway: string
}

const ordinaryId = 12345

/** The project where everybody may come, whatever the folders above it allow. Goes with the universe. Not in /run: labs have their own. */
export const publicRoot = async (): Promise<string> => {
  const path = '/mnt'
  await runner.run('mount', ['--bind', root, path])
  return path
}

/** A user without power over the machine, or why there is none. Only inside scripts/universe.sh. */
export const ordinaryUser = async (): Promise<LabUser | string> => {
  if (process.getuid?.() !== 0) return 'the tests run as an ordinary user already'
  const id = `${ordinaryId}`
  const words = ['setpriv', '--reuid', id, '--regid', id, '--clear-groups', '--'] as const
  const canIsolate = await prefixed(runner, words)
    .run('unshare', ['--user', '--map-root-user', '--net', 'true'])
    .then(
      () => true,
      () => false,
    )
  if (!canIsolate) return 'this kernel gives ordinary users no namespaces'
  return { id: ordinaryId, words: [...words], podway: join(await publicRoot(), 'podway') }
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
  /** Runs a command on a host of the lab, as `podway lab exec HOST -- …` does, without a program of ours in between. */
  onHost(host: string, ...command: readonly string[]): Promise<string>
  /** What the echo servers said to `count` requests from a host of the lab. */
  fetchFrom(host: string, url: string, count: number, ...more: readonly string[]): Promise<Answer[]>
}

/** Runs the command as somebody else, whose home is that of the labs. */
const runAs = (user: LabUser, home: string, ...more: readonly string[]): CommandRunner['run'] => {
  const variables = [`PODWAY_HOME=${home}`, `HOME=${home}`, ...more]
  return prefixed(runner, [...user.words, 'env', ...variables]).run
}

/** Podway's own folder comes first: what runs on hosts may call it by its name. */
const pathFor = (program: string): string => `PATH=${dirname(program)}:${process.env['PATH']}`

/** The words that lead to a host of the lab, as it is now: one that was revived is another process. */
const wordsTo = async (home: string, host: string): Promise<readonly [string, ...string[]]> => {
  const paths = labPaths(home, 'lab')
  const record = await readLab(paths)
  if (!record) throw new Error('there is no lab')
  return enterHost(record, paths, host)
}

/** The home goes with the test. Labs must have been ended before. Without a user, whoever runs the test starts the lab. */
export const createLabHome = async (user?: LabUser): Promise<LabHome> => {
  const home = await mkdtemp(join(tmpdir(), 'pw-'))
  if (user) await chown(home, user.id, user.id)
  else process.env['PODWAY_HOME'] = home
  process.env['PATH'] = `${process.env['PATH']}:/usr/sbin:/sbin`
  t.teardown(() => rm(home, { recursive: true, force: true }))
  const kubeconfig = join(home, 'labs/lab/kubeconfig')
  const runCommand = user ? runAs(user, home) : runner.run
  const run = (...args: readonly string[]): Promise<string> => runCommand(user?.podway ?? podway, args)
  const enter = user ? runAs(user, home, pathFor(user.podway)) : prefixed(runner, ['env', pathFor(podway)]).run
  const onHost = async (host: string, ...command: readonly string[]): Promise<string> => {
    const [file, ...args] = await wordsTo(home, host)
    return enter(file, [...args, ...command])
  }
  const kubectl = (...args: readonly string[]): Promise<string> =>
    runner.run('kubectl', ['--kubeconfig', kubeconfig, ...args])
  return {
    ...{ home, kubeconfig, run, kubectl, onHost },
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
