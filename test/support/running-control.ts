/** A control plane in this process, as the daemon runs it, and the stock kubectl that asks it. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { readKubeconfig } from '../../src/api/kubeconfig.ts'
import { type ControlOptions, controlFiles, runControl } from '../../src/control/control.ts'
import { defaultAutoscalerSettings } from '../../src/control/controllers/autoscaler-settings.ts'
import { silentLogger } from '../../src/host/log.ts'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

export interface RunningControl {
  readonly port: number
  /** The authority of its certificates. */
  readonly ca: string
  readonly kubeconfig: string
  /** What kubectl writes, errors behind the rest; never rejects. */
  kubectl(...args: readonly string[]): Promise<string>
  /** With this on its standard input. */
  kubectlWith(input: string, ...args: readonly string[]): Promise<string>
}

const execute = (file: string, args: readonly string[], input: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: 'pipe' })
    const [out, err]: [Buffer[], Buffer[]] = [[], []]
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.once('error', reject)
    child.once('close', () =>
      resolve(
        Buffer.concat([...out, ...err])
          .toString()
          .trim(),
      ),
    )
    child.stdin.end(input)
  })

/** An empty folder that goes with the test. */
export const testFolder = async (t: Test): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'podway-control-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Runs until the test ends, on 127.0.0.1. */
export const startControl = async (t: Test, options: Partial<ControlOptions> = {}): Promise<RunningControl> => {
  const folder = await testFolder(t)
  const port = await freePort()
  const dataDir = join(folder, 'control')
  const stop = new AbortController()
  let failure: unknown
  const running = runControl(
    {
      ...{ dataDir, bindAddress: '127.0.0.1', port, names: [], localNode: undefined },
      ...{ serviceCIDRs: ['10.96.0.0/16'], podCIDRs: ['10.244.0.0/16'], loadBalancerCIDR: undefined },
      ...{ nodePrefixLengths: { IPv4: 24, IPv6: 64 }, nodePorts: { from: 30_000, to: 32_767 } },
      ...{ clusterDns: '10.96.0.10', clusterDomain: 'cluster.local', authentication: {}, authorization: {} },
      ...{
        signingSeconds: 3600,
        autoscaler: defaultAutoscalerSettings,
        nodeGraceSeconds: 10,
        podEvictionSeconds: 60,
        disabledPlugins: [],
      },
      ...{ disabledControllers: [], scheduler: { plugins: [] }, log: silentLogger },
      ...options,
    },
    stop.signal,
  ).catch((error: unknown) => {
    failure = error
  })
  t.teardown(async () => {
    stop.abort()
    await running
  })
  const { kubeconfig } = controlFiles(dataDir)
  const kubectlWith: RunningControl['kubectlWith'] = (input, ...args) =>
    execute('kubectl', ['--kubeconfig', kubeconfig, '--cache-dir', join(folder, 'cache'), ...args], input)
  const kubectl: RunningControl['kubectl'] = (...args) => kubectlWith('', ...args)
  await until(
    async () => {
      if (failure !== undefined) throw failure
      return (await kubectl('get', '--raw', '/readyz')) === 'ok'
    },
    'the control plane',
    60_000,
  )
  const { ca = '' } = await readKubeconfig(kubeconfig)
  return { port, ca, kubeconfig, kubectl, kubectlWith }
}
