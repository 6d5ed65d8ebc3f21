/** The inside of a lab: makes its hosts, runs the control plane and the agents on them, and restarts what dies. */
import { existsSync, openSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { bootstrapTokenSecret, newBootstrapToken } from '../api/bootstrap-token.ts'
import { certificateHash } from '../api/certificates.ts'
import { createClient } from '../api/client.ts'
import { sleep } from '../api/clock.ts'
import { createHttpTransport } from '../api/http-transport.ts'
import { formatJoinToken } from '../api/join-token.ts'
import { readKubeconfig, renderKubeconfig } from '../api/kubeconfig.ts'
import { secrets } from '../api/resources.ts'
import { createCommandRunner } from '../host/command.ts'
import { writeFileAtomic } from '../host/files.ts'
import { createIproute } from '../host/iproute.ts'
import { createLogger } from '../host/log.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { killHost, makeBridge, podwayDisk, type RunningHost, startHost } from './host.ts'
import { whyIdle } from './idle-orders.ts'
import {
  apiPort,
  cgroupParent,
  controlHost,
  dualStackCidrs,
  hostData,
  type LabHost,
  type LabPaths,
  type LabPlan,
} from './plan.ts'
import { relayFromSocket } from './relay.ts'
import { type Order, type Report, serveOrders } from './rpc.ts'
import type { HostState, LabPhase } from './state.ts'

export interface UniverseOptions {
  readonly plan: LabPlan
  readonly paths: LabPaths
  /** The words that start podway itself: `node main.js`. */
  readonly podway: readonly string[]
  /** The port of the machine's 127.0.0.1 that leads to the API. */
  readonly machineApiPort: number
}

/** On a host's disk: it outlives the host. */
const controlData = `${hostData}/control`
/** The same folder, as seen from here, whether its host runs or not. */
const controlDisk = `${podwayDisk(controlHost)}/control`
/** What does not outlive a reboot. */
const agentState = '/run/podway'
const tokenFile = 'join-token'
/** A host may take so long to come up. */
const tokenMs = 3_600_000

interface Machine {
  readonly host: LabHost
  running: RunningHost | undefined
  daemon: Daemon | undefined
}

/** Runs until it is killed, or until something essential cannot be made. */
export const runUniverse = async (options: UniverseOptions): Promise<void> => {
  const { plan, paths, podway, machineApiPort } = options
  const log = createLogger('lab')
  const runner = createCommandRunner()
  const iproute = createIproute(runner)
  const machines = new Map(
    plan.hosts.map((host): [string, Machine] => [host.name, { host, running: undefined, daemon: undefined }]),
  )
  let phase: LabPhase = 'starting'
  let problem: string | undefined
  await mkdir(paths.logs, { recursive: true })

  const machine = (name: string): Machine => {
    const found = machines.get(name)
    if (!found) throw new Error(`this lab has no host ${name}; it has ${[...machines.keys()].join(', ')}`)
    return found
  }
  const output = (name: string): number => openSync(join(paths.logs, `${name}.log`), 'a')

  const { loadBalancerCidr: pool } = plan
  const poolOptions = pool === undefined ? [] : ['--load-balancer-cidr', pool]

  const controlCommand = (host: LabHost): readonly string[] => [
    ...[...podway, 'control', '--data', controlData, '--bind', host.address, '--port', String(apiPort)],
    ...['--name', host.address, '--name', '127.0.0.1', '--name', 'localhost'],
    ...(plan.dualStack ? ['--service-cidr', dualStackCidrs.service, '--pod-cidr', dualStackCidrs.pod] : []),
    ...poolOptions,
    ...['--node-grace', String(plan.nodeGraceSeconds), '--pod-eviction', String(plan.podEvictionSeconds)],
  ]

  /** The control plane writes its kubeconfig when it is ready to be asked. */
  const waitForControl = async (): Promise<void> => {
    while (!existsSync(`${controlDisk}/admin.kubeconfig`)) await sleep(50)
  }

  /** A join token of the node's own, on its disk. A node that has joined needs none. */
  const writeJoinToken = async ({ name }: LabHost): Promise<void> => {
    const disk = podwayDisk(name)
    if (existsSync(`${disk}/${name}.kubeconfig`)) return
    const connection = await readKubeconfig(`${controlDisk}/admin.kubeconfig`)
    const token = newBootstrapToken()
    const transport = createHttpTransport(connection)
    try {
      const options = { expiresAt: Date.now() + tokenMs, description: `lab host ${name}` }
      await createClient(transport).create(secrets, bootstrapTokenSecret(token, options))
    } finally {
      await transport.close()
    }
    await mkdir(disk, { recursive: true })
    const caHash = certificateHash(connection.ca ?? '')
    await writeFileAtomic(`${disk}/${tokenFile}`, formatJoinToken({ caHash, token }))
  }

  /** The administrator's kubeconfig, as it works from the machine outside. */
  const writeKubeconfig = async (): Promise<void> => {
    const inside = await readKubeconfig(`${controlDisk}/admin.kubeconfig`)
    const outside = { ...inside, server: `https://127.0.0.1:${machineApiPort}` }
    await writeFileAtomic(paths.kubeconfig, renderKubeconfig(`podway-${plan.name}`, outside))
  }

  const agentCommand = (host: LabHost): readonly string[] => [
    ...[...podway, 'join', `https://${machine(controlHost).host.address}:${apiPort}`],
    ...['--token-file', `${hostData}/${tokenFile}`],
    ...['--node-name', host.name, '--node-ip', [host.address, host.address6].filter(Boolean).join()],
    ...(plan.dualStack ? ['--service-cidr', dualStackCidrs.service, '--cluster-cidr', dualStackCidrs.pod] : []),
    ...poolOptions,
    ...['--state', agentState, '--data', hostData, '--runtime', plan.runtime],
    ...['--cgroup-parent', cgroupParent(paths, host.name)],
    // The machine's memory and disk are not the nodes' alone: they make no room of their own accord.
    ...['--eviction-hard', plan.evictionHard, '--image-gc-high-threshold', '100'],
    // The machine's own runtimes are no affair of a lab.
    ...['--cni-conf-dir', 'off'],
  ]

  const startMachine = async (m: Machine): Promise<void> => {
    const log1 = output(m.host.name)
    /** A host whose daemon could not be started has been up since then. */
    const start = async (): Promise<RunningHost> => {
      m.running ??= await startHost({ iproute, runner }, m.host, plan, log1)
      return m.running
    }
    const isControl = m.host.role === 'control'
    const [{ prefix }] = await Promise.all([start(), m.host.role === 'node' ? writeJoinToken(m.host) : undefined])
    if (m.host.role === 'client') return
    const command = isControl ? controlCommand(m.host) : agentCommand(m.host)
    m.daemon = startDaemon({ name: m.host.name, prefix, command, output: log1, log })
  }

  /** Of the control plane's own files, or of the kubeconfig by which a node has joined. */
  const authorityOf = async ({ name, role }: LabHost): Promise<string | undefined> => {
    if (role === 'client') return undefined
    const file = role === 'control' ? `${controlDisk}/admin.kubeconfig` : `${podwayDisk(name)}/${name}.kubeconfig`
    try {
      const { ca } = await readKubeconfig(file)
      return ca === undefined ? undefined : certificateHash(ca)
    } catch {
      // Its daemon says what is wrong with it, or has not made it yet.
      return undefined
    }
  }

  const reportHost = async ({ host, running, daemon }: Machine): Promise<HostState> => {
    const pid = await daemon?.pid()
    const authority = await authorityOf(host)
    return {
      ...host,
      ...(authority === undefined ? {} : { authority }),
      state: running ? 'up' : 'killed',
      ...(running ? { pid: running.pid } : {}),
      ...(daemon
        ? {
            daemon: {
              name: host.role === 'control' ? 'control' : 'agent',
              state: daemon.state,
              ...(pid === undefined ? {} : { pid }),
              ...(daemon.lastEnd === undefined ? {} : { lastEnd: daemon.lastEnd }),
            },
          }
        : {}),
    }
  }

  const report = async (): Promise<Report> => ({
    phase,
    ...(problem === undefined ? {} : { problem }),
    hosts: await Promise.all([...machines.values()].map(reportHost)),
  })

  const kill = async (m: Machine, agentOnly: boolean): Promise<void> => {
    if (agentOnly) {
      if (!m.daemon) throw new Error(`${m.host.name} runs no daemon`)
      return m.daemon.kill()
    }
    const { running } = m
    if (!running) return
    m.running = undefined
    await m.daemon?.kill()
    m.daemon = undefined
    await killHost(runner, running)
  }

  const revive = async (m: Machine): Promise<void> => {
    if (m.daemon) m.daemon.revive()
    else await startMachine(m)
  }

  const obey = async (order: Order): Promise<Report> => {
    if (order.do === 'status') return report()
    const m = machine(order.host)
    const unchanged = whyIdle(order, await reportHost(m))
    if (unchanged !== undefined) return { ...(await report()), unchanged }
    if (order.do === 'kill') await kill(m, order.agent)
    else await revive(m)
    return report()
  }

  await serveOrders(paths.command, obey)
  try {
    await makeBridge(iproute, plan)
    await startMachine(machine(controlHost))
    await relayFromSocket(paths.socketOf(controlHost, apiPort), machine(controlHost).host.address, apiPort)
    await waitForControl()
    await writeKubeconfig()
    await Promise.all([...machines.values()].filter(({ host }) => host.role !== 'control').map(startMachine))
    for (const { lab } of plan.publish)
      await relayFromSocket(paths.socketOf(lab.host, lab.port), machine(lab.host).host.address, lab.port)
    phase = 'running'
  } catch (error) {
    phase = 'failed'
    problem = error instanceof Error ? error.message : String(error)
    log.error({ err: error }, 'the lab could not be started')
  }
  await new Promise(() => undefined)
}
