import { stat } from 'node:fs/promises'
import { joinCluster } from '../agent/join.ts'
import { partNames } from '../agent/part-names.ts'
import { runAgent } from '../agent/parts/agent.ts'
import { createClient } from '../api/client.ts'
import { sleep } from '../api/clock.ts'
import { createHttpTransport } from '../api/http-transport.ts'
import { type Connection, readKubeconfig } from '../api/kubeconfig.ts'
import { controlFiles, runControl } from '../control/control.ts'
import { createLogger } from '../host/log.ts'
import { print } from '../host/terminal.ts'
import { tidyMemory } from '../host/tidy-memory.ts'
import { agentSettings, checkOverlaps } from './agent-run.ts'
import { clusterSettings } from './control-run.ts'
import { podNote } from './pod-note.ts'
import { stopSignal } from './stop-signal.ts'
import { newJoinToken } from './token-run.ts'
import type { UpOptions } from './up.ts'

const pollMs = 50
/** Only until the node of this machine has joined. */
const tokenMs = 10 * 60_000

/** The control plane writes its kubeconfig last: whoever reads it can use the API. */
const waitForControl = async (file: string, since: number, signal: AbortSignal): Promise<Connection | undefined> => {
  for (; !signal.aborted; await sleep(pollMs, signal)) {
    const written = await stat(file).catch(() => undefined)
    if (written && written.mtimeMs >= since) return readKubeconfig(file)
  }
  return undefined
}

const localToken = async (connection: Connection): Promise<string> => {
  const transport = createHttpTransport(connection)
  try {
    const options = { expiresAt: Date.now() + tokenMs, description: 'podway up' }
    return (await newJoinToken(createClient(transport), connection, options)).joinToken
  } finally {
    await transport.close()
  }
}

export const up = async (options: UpOptions): Promise<void> => {
  if (process.getuid?.() !== 0)
    throw new Error('this changes the network of the machine: run it as root (sudo podway up)')
  const stop = new AbortController()
  const asked = stopSignal()
  const signal = AbortSignal.any([asked, stop.signal])
  const settings = await agentSettings({ ...options, clusterCidr: options.podCidr })
  await checkOverlaps(options, settings)
  const { nodeAddresses, nodeName, dataDir } = settings
  const since = Date.now()
  const [nodeAddress = ''] = nodeAddresses
  tidyMemory()
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
    const { kubeconfig: admin } = controlFiles(options.controlData)
    const connection = await waitForControl(admin, since, signal)
    if (!connection) return
    const { server } = connection
    const token = async (kept: Connection | undefined) =>
      kept?.ca === connection.ca ? undefined : localToken(connection)
    const kubeconfig = await joinCluster({ server, token, nodeName, dataDir, log: settings.log }, signal)
    print(`kubectl --kubeconfig ${admin} get nodes`)
    print(podNote)
    await runAgent({ ...settings, only: new Set(partNames), kubeconfig, hasJoined: true }, signal)
  }
  try {
    await Promise.all([control, agent()])
  } catch (error) {
    // Who is asked to end in the middle of a start finds the other half gone.
    if (!asked.aborted) throw error
  } finally {
    stop.abort()
  }
}
