import { readFile } from 'node:fs/promises'
import { runAgent } from '../agent/agent.ts'
import { joinCluster } from '../agent/join.ts'
import { sleep } from '../api/clock.ts'
import { controlFiles, runControl } from '../control/control.ts'
import { createLogger } from '../host/log.ts'
import { agentSettings, checkOverlaps } from './agent-run.ts'
import { clusterSettings } from './control-run.ts'
import { podNote } from './pod-note.ts'
import { stopSignal } from './stop-signal.ts'
import type { UpOptions } from './up.ts'

const pollMs = 50

/** The control plane writes its token last: whoever reads it can join. */
const waitForToken = async (file: string, signal: AbortSignal): Promise<string> => {
  while (!signal.aborted) {
    const text = await readFile(file, 'utf8').catch(() => '')
    if (text !== '') return text.trim()
    await sleep(pollMs, signal)
  }
  return ''
}

export const up = async (options: UpOptions): Promise<void> => {
  if (process.getuid?.() !== 0)
    throw new Error('this changes the network of the machine: run it as root (sudo podway up)')
  const stop = new AbortController()
  const signal = AbortSignal.any([stopSignal(), stop.signal])
  const settings = await agentSettings({ ...options, clusterCidr: options.podCidr })
  await checkOverlaps(options, settings)
  const { nodeAddresses, nodeName, dataDir } = settings
  const [nodeAddress = ''] = nodeAddresses
  const control = runControl(
    {
      ...clusterSettings(options),
      ...{
        dataDir: options.controlData,
        bindAddress: nodeAddress,
        port: options.port,
        names: ['127.0.0.1', 'localhost'],
        localNode: nodeName,
      },
      log: createLogger('control'),
    },
    signal,
  )
  const agent = async (): Promise<void> => {
    const { token: file, kubeconfig: admin } = controlFiles(options.controlData)
    const token = await waitForToken(file, signal)
    if (token === '') return
    const server = `https://${nodeAddress}:${options.port}`
    const kubeconfig = await joinCluster({
      ...{ server, token, nodeName, addresses: nodeAddresses, dataDir, log: settings.log },
    })
    console.log(`kubectl --kubeconfig ${admin} get nodes`)
    console.log(podNote)
    await runAgent({ ...settings, kubeconfig }, signal)
  }
  try {
    await Promise.all([control, agent()])
  } finally {
    stop.abort()
  }
}
