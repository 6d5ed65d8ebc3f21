/** Podway as a plugin of container runtimes: what they ask, done with the node's own addresses, links, rules (CNI 1.1). */

import { access } from 'node:fs/promises'
import { isSameHostPort } from '../../api/host-ports.ts'
import { CommandError } from '../../host/command.ts'
import type { Logger } from '../../host/log.ts'
import { namespaceIdentity } from '../../host/namespaces.ts'
import { isIPv6 } from '../../ip/address.ts'
import type { Lease } from '../../ipam/lease-store.ts'
import { gatewayOf, type PodAddresses } from '../../ipam/pod-addresses.ts'
import { isExhausted, isOutOfRange, isTaken } from '../../ipam/pool.ts'
import { macOf } from '../bridge.ts'
import type { HostPortMapping } from '../host-ports.ts'
import { linkName, type PodLinks, type PodOnLink, podMac } from '../pod-links.ts'
import type { OverlayPodNetwork } from '../pod-network.ts'
import { CniError, cniCodes } from './error.ts'
import { type AttachmentName, type CniRequest, parseCniRequest, versionOf, type WantedPort } from './request.ts'
import { addResult, errorResult, versionResult } from './result.ts'

export interface CniPluginOptions {
  readonly network: Pick<OverlayPodNetwork, 'add' | 'detach'>
  readonly addresses: Pick<PodAddresses, 'list'>
  readonly links: Pick<PodLinks, 'attach' | 'faults' | 'list'>
  readonly podCIDRs: readonly string[]
  readonly mtu: number
  /** The host ports of an owner, in place of those it had. */
  readonly setHostPorts: (owner: string, ports: readonly HostPortMapping[]) => Promise<readonly string[]>
  /** Whether pods can be added now. */
  readonly isReady: () => boolean
  readonly log: Logger
}

/** An answer as a plugin's process would give it. */
export interface CniAnswer {
  readonly status: number
  readonly stdout: string
}

export interface CniPlugin {
  answer(environment: ReadonlyMap<string, string>, stdin: string): Promise<CniAnswer>
  /** Once at the start: takes up what an earlier agent had, and frees what is gone. */
  restore(): Promise<void>
}

/** What is kept with the addresses of an attachment. */
interface Note {
  readonly ports: readonly WantedPort[]
  /** What it takes to put its link back; missing in notes of agents before. */
  readonly link?: Pick<PodOnLink, 'netns' | 'bandwidth'> & { readonly ifname: string; readonly identity: string }
  readonly mac?: string
  readonly uid?: string
  readonly pod?: string
}

const ownerPrefix = 'cni/'

const ownerOf = (network: string, { containerId, ifname }: AttachmentName): string =>
  `${ownerPrefix}${network}/${containerId}/${ifname}`

const isNote = (value: unknown): value is Partial<Note> =>
  typeof value === 'object' && value !== null && (!('ports' in value) || Array.isArray(value.ports))

/** Written by us. One that is lost or damaged knows of nothing: its attachment is freed all the same. */
const readNote = (text: string | undefined): Note => {
  try {
    const note: unknown = JSON.parse(text ?? '{}')
    return isNote(note) ? { ports: [], ...note } : { ports: [] }
  } catch (error) {
    if (error instanceof SyntaxError) return { ports: [] }
    throw error
  }
}

const mappingsOf = (ports: readonly WantedPort[], assigned: readonly string[]): readonly HostPortMapping[] =>
  ports.flatMap((port) =>
    assigned
      .filter((podIP) => port.hostIP === '' || isIPv6(podIP) === isIPv6(port.hostIP))
      .map((podIP) => ({ ...port, podIP })),
  )

const placeOf = ({ hostIP, hostPort, protocol }: WantedPort) => ({ ip: hostIP, port: hostPort, protocol })

const codeOf = (error: unknown): number => {
  if (error instanceof CniError) return error.code
  if (isExhausted(error)) return cniCodes.exhausted
  if (isTaken(error) || isOutOfRange(error)) return cniCodes.taken
  if (error instanceof CommandError) return cniCodes.io
  return cniCodes.other
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export const createCniPlugin = (options: CniPluginOptions): CniPlugin => {
  const { network, addresses, links, podCIDRs, mtu, setHostPorts, isReady, log } = options
  const gateways = podCIDRs.map(gatewayOf)
  /** By owner: a container's requests are done one after another. */
  const busy = new Map<string, Promise<unknown>>()

  const oneByOne = async <T>(owner: string, work: () => Promise<T>): Promise<T> => {
    const before = busy.get(owner) ?? Promise.resolve()
    const mine = before.catch(() => undefined).then(work)
    busy.set(owner, mine)
    try {
      return await mine
    } finally {
      if (busy.get(owner) === mine) busy.delete(owner)
    }
  }

  const leaseOf = (owner: string) => addresses.list().find((lease) => lease.owner === owner)

  const checkPorts = (owner: string, { ports }: CniRequest): void => {
    for (const lease of addresses.list()) {
      if (lease.owner === owner) continue
      const { ports: others } = readNote(lease.note)
      const clash = ports.find((port) => others.some((other) => isSameHostPort(placeOf(port), placeOf(other))))
      if (clash)
        throw new CniError(cniCodes.taken, `host port ${clash.hostPort}/${clash.protocol} is taken by ${lease.owner}`)
    }
  }

  const del = async (owner: string): Promise<void> => {
    const lease = leaseOf(owner)
    await setHostPorts(owner, [])
    await network.detach(owner, readNote(lease?.note).uid)
  }

  const add = async (request: CniRequest, owner: string): Promise<object> => {
    const { netns, pod, mac, attachment, bandwidth, version, ports } = request
    if (!isReady()) throw new CniError(cniCodes.tryAgain, 'the pod network of this node is not ready yet')
    await access(netns).catch(() => {
      throw new CniError(cniCodes.unknownContainer, `there is no network namespace ${netns}`)
    })
    if (leaseOf(owner) && (await links.list()).includes(owner))
      throw new CniError(
        cniCodes.taken,
        `${attachment.ifname} of ${attachment.containerId} is there already: DEL it first`,
      )
    checkPorts(owner, request)
    const identity = (await namespaceIdentity(netns)) ?? ''
    const note: Note = {
      ports,
      link: { netns, ifname: attachment.ifname, bandwidth, identity },
      ...(mac === undefined ? {} : { mac }),
      ...(pod ? { uid: pod.uid, pod: `${pod.namespace}/${pod.name}` } : {}),
    }
    try {
      const assigned = await network.add({
        ...{ owner, netns, wanted: request.addresses, note: JSON.stringify(note) },
        ...{ ifname: attachment.ifname, mac, bandwidth },
        pod: pod && { key: `${pod.namespace}/${pod.name}`, uid: pod.uid },
      })
      const [problem] = await setHostPorts(owner, mappingsOf(ports, assigned))
      if (problem !== undefined) throw new CniError(cniCodes.taken, problem)
      return addResult(version, {
        ...{ hostName: linkName(owner), bridgeMac: macOf(gateways[0] ?? ''), ifname: attachment.ifname },
        ...{ mac: podMac({ ...(mac ? { mac } : {}), addresses: assigned }), netns, mtu, addresses: assigned, gateways },
      })
    } catch (error) {
      await del(owner)
      throw error
    }
  }

  const check = async ({ netns, attachment, prevAddresses }: CniRequest, owner: string): Promise<void> => {
    const held = leaseOf(owner)?.addresses
    if (!held) throw new CniError(cniCodes.unknownContainer, `${attachment.containerId} has no address here`)
    const lost = prevAddresses.find((address) => !held.includes(address))
    if (lost !== undefined) throw new CniError(cniCodes.different, `${lost} is not held by ${attachment.containerId}`)
    const mac = readNote(leaseOf(owner)?.note).mac
    const pod = { id: owner, netns, addresses: held, ifname: attachment.ifname, ...(mac === undefined ? {} : { mac }) }
    const faults = await links.faults(pod).catch((error: unknown) => [messageOf(error)])
    if (faults.length > 0)
      throw new CniError(
        cniCodes.different,
        `${attachment.ifname} in ${netns} is not as ADD has left it: ${faults.join('; ')}`,
      )
  }

  /** Frees what is not in use; carries on after an error, and fails at the end. */
  const collect = async ({ network: name, validAttachments }: CniRequest): Promise<void> => {
    const valid = new Set(validAttachments.map((each) => ownerOf(name, each)))
    const own = addresses.list().filter(({ owner }) => owner.startsWith(`${ownerPrefix}${name}/`))
    const failures: unknown[] = []
    for (const { owner } of own)
      if (!valid.has(owner)) await oneByOne(owner, () => del(owner)).catch((error: unknown) => failures.push(error))
    if (failures.length > 0) throw new CniError(cniCodes.io, failures.map(messageOf).join('; '))
  }

  const carryOut = async (request: CniRequest): Promise<object | undefined> => {
    const owner = ownerOf(request.network, request.attachment)
    switch (request.command) {
      case 'ADD':
        return oneByOne(owner, () => add(request, owner))
      case 'DEL':
        return void (await oneByOne(owner, () => del(owner)))
      case 'CHECK':
        return void (await oneByOne(owner, () => check(request, owner)))
      case 'GC':
        return void (await collect(request))
      case 'STATUS':
        if (!isReady()) throw new CniError(cniCodes.notAvailable, 'the pod network of this node is not ready yet')
        return undefined
      case 'VERSION':
        return versionResult()
    }
  }

  const restoreOne = async ({ owner, note, addresses: held }: Lease, hasLink: boolean): Promise<void> => {
    const { ports, link, mac } = readNote(note)
    // A container is gone when its namespace is. Where the note does not tell of it, the link does: it goes with it.
    const isThere = link ? (await namespaceIdentity(link.netns)) === link.identity : hasLink
    if (!isThere) return del(owner)
    if (link) await links.attach({ ...link, id: owner, addresses: held, ...(mac === undefined ? {} : { mac }) })
    await setHostPorts(owner, mappingsOf(ports, held))
  }

  return {
    answer: async (environment, stdin) => {
      try {
        const result = await carryOut(parseCniRequest(environment, stdin))
        return { status: 0, stdout: result ? `${JSON.stringify(result)}\n` : '' }
      } catch (error) {
        const command = environment.get('CNI_COMMAND')
        log.warn(
          { err: error, command, container: environment.get('CNI_CONTAINERID') },
          'a container runtime asked in vain',
        )
        return {
          status: 1,
          stdout: `${JSON.stringify(errorResult(versionOf(stdin), codeOf(error), messageOf(error)))}\n`,
        }
      }
    },
    restore: async () => {
      const linked = new Set(await links.list())
      for (const lease of addresses.list().filter(({ owner }) => owner.startsWith(ownerPrefix)))
        await restoreOne(lease, linked.has(lease.owner)).catch((error: unknown) =>
          log.warn({ err: error, owner: lease.owner }, 'cannot take up what a container runtime had asked for'),
        )
    },
  }
}
