/** The API servers that are measured: each in processes of its own, on 127.0.0.1, with nothing in its store. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Connection, readKubeconfig } from '../../../src/api/kubeconfig.ts'
import { residentBytes } from '../../../src/host/process.ts'
import { cpuSecondsOf } from '../../support/cpu-time.ts'
import { freePort } from '../../support/free-port.ts'
import { until } from '../../support/until.ts'

export interface ApiServer {
  readonly connection: Connection
  /** Bytes of all its processes. */
  resident(): Promise<number>
  /** Seconds of processor time since it began. */
  cpuSeconds(): number
  stop(): Promise<void>
}

/** Starts a server; resolves as soon as it was started, not when it answers. */
export type StartServer = () => Promise<Omit<ApiServer, 'connection'> & { connection(): Promise<Connection> }>

export const fromProcesses = (children: readonly ChildProcess[], folder: string) => {
  const pids = children.map(({ pid }) => pid ?? 0)
  return {
    resident: async () => {
      const each = await Promise.all(pids.map(residentBytes))
      return each.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0)
    },
    cpuSeconds: () => pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0),
    stop: async () => {
      for (const child of [...children].reverse()) {
        if (child.exitCode !== null || child.signalCode !== null) continue
        const ended = once(child, 'exit')
        child.kill('SIGTERM')
        await ended
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'podway-bench-'))
export const podway = join(import.meta.dirname, '../../../podway')

/** Our control plane with these options, where its files are, and where its kubeconfig will be. */
export const startPodwayWith = async (options: readonly string[]) => {
  const [folder, port] = await Promise.all([newFolder(), freePort()])
  const args = ['control', '--bind', '127.0.0.1', '--port', String(port), '--data', folder, ...options]
  const child = spawn(podway, args, { stdio: 'ignore' })
  const kubeconfig = join(folder, 'admin.kubeconfig')
  return { ...fromProcesses([child], folder), folder, kubeconfig, connection: () => readKubeconfig(kubeconfig) }
}

export const startPodway: StartServer = () => startPodwayWith([])

const token = 'bench'

/** A Kubernetes API server with its etcd. */
export const startPeer =
  (programs: { readonly apiServer: string; readonly etcd: string }): StartServer =>
  async () => {
    const [folder, port, client, peer] = await Promise.all([newFolder(), freePort(), freePort(), freePort()])
    const key = join(folder, 'sa.key')
    const { privateKey } = await import('node:crypto').then(({ generateKeyPairSync }) =>
      generateKeyPairSync('rsa', { modulusLength: 2048 }),
    )
    await writeFile(key, privateKey.export({ type: 'pkcs1', format: 'pem' }))
    await writeFile(join(folder, 'tokens.csv'), `${token},bench,bench,"system:masters"\n`)
    const [clientUrl, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`]
    const etcd = spawn(
      programs.etcd,
      [
        ...['--data-dir', join(folder, 'etcd'), '--initial-cluster', `default=${peerUrl}`],
        ...['--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl],
        ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
      ],
      { stdio: 'ignore' },
    )
    const apiServer = spawn(
      programs.apiServer,
      [
        ...[`--etcd-servers=${clientUrl}`, `--secure-port=${port}`, '--bind-address=127.0.0.1'],
        ...['--advertise-address=192.0.2.1', '--endpoint-reconciler-type=none', `--cert-dir=${folder}`],
        ...[`--token-auth-file=${join(folder, 'tokens.csv')}`, '--authorization-mode=RBAC'],
        ...[`--service-account-signing-key-file=${key}`, `--service-account-key-file=${key}`],
        ...['--service-account-issuer=https://kubernetes.default.svc', '--service-cluster-ip-range=10.96.0.0/16'],
        '--disable-admission-plugins=ServiceAccount',
      ],
      { stdio: 'ignore' },
    )
    return {
      ...fromProcesses([etcd, apiServer], folder),
      connection: async () => ({ server: `https://127.0.0.1:${port}`, token }),
    }
  }

/** A server that answers, and the seconds it took from nothing to its first answer. */
export const startReady = async (
  start: StartServer,
  isReady: (connection: Connection) => Promise<boolean>,
): Promise<{ readonly server: ApiServer; readonly seconds: number }> => {
  const began = performance.now()
  const started = await start()
  let connection: Connection | undefined
  await until(
    async () => {
      connection ??= await started.connection().catch(() => undefined)
      return connection !== undefined && isReady(connection)
    },
    'an API server that is ready',
    60_000,
  ).catch(async (error: unknown) => {
    await started.stop()
    throw error
  })
  const seconds = (performance.now() - began) / 1000
  if (!connection) throw new Error('the server is ready, and nobody knows where')
  return { server: { ...started, connection }, seconds }
}
