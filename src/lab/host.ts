/** The hosts of a lab: network, mount, uts and pid namespaces each, joined by a bridge. Runs inside the lab. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { CommandRunner } from '../host/command.ts'
import { batchOf, type Iproute, line } from '../host/iproute.ts'
import { enterProcess } from '../host/namespaces.ts'
import { childrenOf, signalProcess } from '../host/process.ts'
import { writeSysctl } from '../host/sysctl.ts'
import { isIPv6 } from '../ip/address.ts'
import type { LabHost, LabPlan } from './plan.ts'

export const bridge = 'lab0'

const script = (name: string): string => fileURLToPath(new URL(`./${name}`, import.meta.url))

/** A host that is up. */
export interface RunningHost {
  readonly host: LabHost
  /** Its pid 1, as seen from the lab. */
  readonly pid: number
  /** The words in front of a command that runs on it. */
  readonly prefix: readonly [string, ...string[]]
  /** Resolves when its pid 1 has ended. */
  readonly ended: Promise<void>
}

/** What a router in front of a cluster does: addresses of the pool are at every node. */
const poolRoutes = ({ loadBalancerCidr: pool, hosts }: LabPlan) => {
  if (pool === undefined) return []
  const ways = hosts.flatMap(({ role, address, address6 }) => {
    const via = isIPv6(pool) ? address6 : address
    return role === 'node' && via !== undefined ? ['nexthop', 'via', via] : []
  })
  return [line`route add ${pool} ${ways}`]
}

/** Bridges the lab's hosts: the lab itself sits on it with the gateway's address. */
export const makeBridge = async (iproute: Iproute, plan: LabPlan): Promise<void> => {
  const { gateway, gateway6, prefixLength, dualStack } = plan
  await iproute.ip([
    line`link add ${bridge} type bridge`,
    line`address add ${gateway}/${prefixLength} dev ${bridge}`,
    ...(dualStack ? [line`address add ${gateway6}/64 dev ${bridge} nodad`] : []),
    line`link set ${bridge} up`,
    ...poolRoutes(plan),
  ])
  // Only who forwards tells others that there is no way.
  await writeSysctl('net.ipv4.ip_forward', '1')
  if (dualStack) await writeSysctl('net.ipv6.conf.all.forwarding', '1')
}

const linkOf = ({ name }: LabHost): string => `l-${name}`

/** A machine keeps its network card, and so its neighbours find it at once when it is back. */
const macOf = ({ address }: LabHost): string =>
  ['02', '50', ...address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))].join(':')

/** A host's disk, in the lab's own /run: it outlives the host, and goes with the lab. */
export const diskOf = (host: string): string => `/run/podway-lab/disk/${host}`
/** Where Podway's durable files of a host are, as seen from the lab. */
export const podwayDisk = (host: string): string => `${diskOf(host)}/podway`

/** One process for the network of a host: the link pair, and the end inside. */
const connect = async (iproute: Iproute, runner: CommandRunner, host: LabHost, plan: LabPlan): Promise<void> => {
  await iproute.ip([
    line`netns add ${host.name}`,
    line`link add ${linkOf(host)} type veth peer name eth0 address ${macOf(host)} netns ${host.name}`,
    line`link set ${linkOf(host)} master ${bridge} up`,
  ])
  // The gateway leads nowhere, and says so at once; but cluster addresses need some route to be looked at by the rules.
  const inside = [
    ...[line`link set lo up`, line`address add ${host.address}/${plan.prefixLength} dev eth0`, line`link set eth0 up`],
    line`route add default via ${plan.gateway}`,
    ...(host.address6
      ? [line`address add ${host.address6}/64 dev eth0 nodad`, line`route add ::/0 via ${plan.gateway6}`]
      : []),
  ]
  await runner.run('ip', ['-n', host.name, '-batch', '-'], batchOf(inside))
}

/** What is there of the network of a host goes, and what is not there is none the less gone. */
const disconnect = (runner: CommandRunner, host: LabHost): Promise<string> =>
  runner
    .run('ip', ['-force', '-batch', '-'], batchOf([line`link del dev ${linkOf(host)}`, line`netns del ${host.name}`]))
    .catch(String)

const readyTimeoutMs = 10_000

/** Resolves with pid 1 of the host once its inside is made. */
const startInside = async (host: LabHost, log: number): Promise<{ pid: number; ended: Promise<void> }> => {
  const args = ['--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child']
  const folder = `/run/podway-lab/${host.name}`
  await mkdir(folder, { recursive: true })
  await mkdir(diskOf(host.name), { recursive: true })
  const child = spawn(
    'nsenter',
    [
      ...[`--net=/run/netns/${host.name}`, '--', 'unshare', ...args, '--'],
      ...['sh', script('host.sh'), script('init.sh'), host.name, folder, diskOf(host.name)],
    ],
    { stdio: ['ignore', log, log, 'pipe'] },
  )
  const ended = once(child, 'exit').then(() => undefined)
  const ready = child.stdio[3]
  if (!ready || child.pid === undefined) throw new Error(`cannot start host ${host.name}: is util-linux installed?`)
  const said = await Promise.race([
    once(ready, 'data', { signal: AbortSignal.timeout(readyTimeoutMs) }).then(() => true),
    ended.then(() => false),
  ])
  const [pid] = said ? await childrenOf(child.pid) : []
  if (pid === undefined) throw new Error(`host ${host.name} did not start; its messages are in the lab's log`)
  return { pid, ended }
}

/** Brings a host up with what an earlier life of it has left on its disk. */
export const startHost = async (
  { iproute, runner }: { readonly iproute: Iproute; readonly runner: CommandRunner },
  host: LabHost,
  plan: LabPlan,
  log: number,
): Promise<RunningHost> => {
  const { pid, ended } = await connect(iproute, runner, host, plan)
    .then(() => startInside(host, log))
    .catch(async (error: unknown) => {
      await disconnect(runner, host)
      throw error
    })
  return { host, pid, ended, prefix: enterProcess(pid, ['net', 'mount', 'uts', 'ipc', 'pid']) }
}

/** Ends every process of a host at once, as a power cut would, and takes it off the network. Its disk stays. */
export const killHost = async (runner: CommandRunner, { host, pid, ended }: RunningHost): Promise<void> => {
  signalProcess(pid, 'SIGKILL')
  await ended
  // The kernel takes its time to clear a network namespace away: its link is not to stand in the way of the next life.
  await disconnect(runner, host)
  await rm(`/run/podway-lab/${host.name}`, { recursive: true, force: true })
}
