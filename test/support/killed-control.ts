/** A control plane as a process of its own, which a test kills and starts again on what it has left. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Client, createClient } from '../../src/api/client.ts'
import { createHttpTransport } from '../../src/api/http-transport.ts'
import { readKubeconfig } from '../../src/api/kubeconfig.ts'
import { until } from './until.ts'

export interface KilledControl {
  /** Goes on over the lives of the control plane. */
  readonly client: Client
  /** At once, without a word. */
  kill(): Promise<void>
  /** Resolves when it is about to answer. */
  start(): Promise<void>
}

/** `podway control` at 127.0.0.1, with its files below `folder`; what it says is in `NAME.log` there. */
export const startKilledControl = async (
  t: Test,
  folder: string,
  name: string,
  more: readonly string[] = [],
): Promise<KilledControl> => {
  const data = join(folder, name)
  const kubeconfig = join(data, 'admin.kubeconfig')
  const log = join(folder, `${name}.log`)
  let end = async (): Promise<void> => undefined
  const start = async (): Promise<void> => {
    rmSync(kubeconfig, { force: true })
    const words = ['src/main.ts', 'control', '--bind', '127.0.0.1', '--data', data, ...more]
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...words], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child.stderr.pipe(createWriteStream(log, { flags: 'a' }))
    const ended = once(child, 'exit')
    end = async () => {
      child.kill('SIGKILL')
      await ended
    }
    await until(() => existsSync(kubeconfig) || child.exitCode !== null, 'the control plane', 60_000)
    if (child.exitCode !== null) throw new Error(readFileSync(log, 'utf8'))
  }
  t.teardown(() => end())
  await start()
  const transport = createHttpTransport(await readKubeconfig(kubeconfig))
  t.teardown(transport.close)
  return { client: createClient(transport), start, kill: () => end() }
}
