/** The control planes of a cluster: one over its own store, or several over one etcd, all on 127.0.0.1. */
import { execFile, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../../support/free-port.ts'
import { until } from '../../support/until.ts'
import { isReady } from '../api/measure.ts'
import { type ApiServer, fromProcesses, newFolder, podway, startPodwayWith, startReady } from '../api/server.ts'

export interface Planes {
  /** Of each, the first one first. */
  readonly kubeconfigs: readonly string[]
  /** The last of them. */
  readonly connection: ApiServer['connection']
  /** Bytes of all, without etcd's. */
  resident(): Promise<number>
  /** Seconds of processor time, with etcd's. */
  cpuSeconds(): number
  stop(): Promise<void>
}

type Processes = ReturnType<typeof fromProcesses>

const startEtcd = async (): Promise<Processes & { readonly url: string }> => {
  const [folder, client, peer] = await Promise.all([newFolder(), freePort(), freePort()])
  const [url, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`]
  const child = spawn(
    'etcd',
    [
      ...['--data-dir', join(folder, 'etcd'), '--log-level', 'fatal', '--initial-cluster', `default=${peerUrl}`],
      ...['--listen-client-urls', url, '--advertise-client-urls', url],
      ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
    ],
    { stdio: 'ignore' },
  )
  const processes = fromProcesses([child], folder)
  const isUp = () =>
    fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    )
  await until(isUp, 'etcd', 60_000).catch(async (error: unknown) => {
    await processes.stop()
    throw error
  })
  return { ...processes, url }
}

type Started = Awaited<ReturnType<typeof startPodwayWith>>

const startOne = async (
  options: readonly string[],
): Promise<Omit<Started, 'connection'> & Pick<ApiServer, 'connection'>> => {
  const started = await startPodwayWith(options)
  const { server } = await startReady(async () => started, isReady)
  return { ...started, connection: server.connection }
}

/** How the others join the first. */
const tokenFile = async ({ folder }: Pick<Started, 'folder'>): Promise<string> => {
  const args = ['token', 'create', '--control-plane', '--data', folder, '-o', 'token']
  const { stdout } = await promisify(execFile)(podway, args)
  const file = join(folder, 'bench-token')
  await writeFile(file, stdout, { mode: 0o600 })
  return file
}

export const startPlanes = async (count: number, options: readonly string[]): Promise<Planes> => {
  const etcd = count > 1 ? await startEtcd() : undefined
  const all = etcd ? [...options, '--etcd-servers', etcd.url] : options
  const planes: Awaited<ReturnType<typeof startOne>>[] = []
  const stop = async (): Promise<void> => {
    for (const { stop } of [...planes.toReversed(), ...(etcd ? [etcd] : [])]) await stop()
  }
  try {
    const first = await startOne(all)
    planes.push(first)
    while (planes.length < count) planes.push(await startOne([...all, '--token-file', await tokenFile(first)]))
  } catch (error) {
    await stop()
    throw error
  }
  const last = planes.at(-1)
  if (!last) throw new Error('there is no control plane')
  return {
    stop,
    kubeconfigs: planes.map(({ kubeconfig }) => kubeconfig),
    connection: last.connection,
    resident: async () => {
      const each = await Promise.all(planes.map(({ resident }) => resident()))
      return each.reduce((sum, bytes) => sum + bytes, 0)
    },
    cpuSeconds: () => [...planes, ...(etcd ? [etcd] : [])].reduce((sum, { cpuSeconds }) => sum + cpuSeconds(), 0),
  }
}
