/** What a container runtime asks a CNI plugin for: environment and standard input, read into typed values (CNI 1.1). */
import { parseAddress } from '../../ipam/cidr.ts'
import { type Bandwidth, fitsBandwidth } from '../bandwidth.ts'
import type { HostPortMapping } from '../host-ports.ts'
import { CniError, cniCodes } from './error.ts'

export const cniVersions = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const
export type CniVersion = (typeof cniVersions)[number]

export const cniCommands = ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION'] as const
export type CniCommand = (typeof cniCommands)[number]

/** An interface of a container. */
export interface AttachmentName {
  readonly containerId: string
  readonly ifname: string
}

export type WantedPort = Omit<HostPortMapping, 'podIP'>

/** The pod it is for, where a kubelet asks. */
export interface KubernetesPod {
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

export interface CniRequest {
  readonly version: CniVersion
  readonly command: CniCommand
  readonly network: string
  readonly attachment: AttachmentName
  /** The network namespace, as a path; empty where the runtime knows none any more. */
  readonly netns: string
  readonly pod: KubernetesPod | undefined
  /** Addresses that are asked for. */
  readonly addresses: readonly string[]
  readonly mac: string | undefined
  readonly ports: readonly WantedPort[]
  readonly bandwidth: Bandwidth
  readonly validAttachments: readonly AttachmentName[] | undefined
  /** Addresses of an earlier ADD. */
  readonly prevAddresses: readonly string[] | undefined
}

type Fields = Readonly<Record<string, unknown>>

const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const number = (value: unknown): number => (typeof value === 'number' ? value : 0)

const parseConfig = (stdin: string): Fields => {
  try {
    const parsed: unknown = JSON.parse(stdin)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Fields
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new CniError(cniCodes.decoding, 'the network configuration on standard input is no JSON object')
}

/** The version of a configuration, for answers; 0.1.0 is what one that names none means. */
export const versionOf = (stdin: string): string => {
  try {
    return text(fields(JSON.parse(stdin))['cniVersion']) || '0.1.0'
  } catch {
    return '1.0.0'
  }
}

const badEnvironment = (name: string, why: string): never => {
  throw new CniError(cniCodes.badEnvironment, `${name} ${why}`)
}

/** Characters that the specification allows. */
const containerIdPattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/
const macPattern = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i
const networkPattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

const isInterfaceName = (name: string): boolean =>
  name.length > 0 && name.length < 16 && name !== '.' && name !== '..' && !/[/:\s]/.test(name)

const parseArgs = (args: string): ReadonlyMap<string, string> =>
  new Map(
    args
      .split(';')
      .filter(Boolean)
      .map((pair) => {
        const at = pair.indexOf('=')
        if (at < 1) badEnvironment('CNI_ARGS', `holds "${pair}", which is no KEY=VALUE`)
        return [pair.slice(0, at), pair.slice(at + 1)]
      }),
  )

const addressOf = (wanted: string, where: string): string => {
  const [address = ''] = wanted.split('/')
  if (!parseAddress(address)) throw new CniError(cniCodes.badConfig, `${where}: "${wanted}" is no IP address`)
  return address
}

const portOf = (value: unknown): WantedPort => {
  const { hostPort, containerPort, protocol, hostIP } = fields(value)
  const mapping = {
    hostPort: number(hostPort),
    containerPort: number(containerPort),
    hostIP: text(hostIP),
    protocol: text(protocol).toUpperCase() || 'TCP',
  }
  const isPort = (port: number) => Number.isInteger(port) && port > 0 && port < 65_536
  if (mapping.hostIP !== '' && !parseAddress(mapping.hostIP))
    throw new CniError(cniCodes.badConfig, `runtimeConfig.portMappings: "${mapping.hostIP}" is no IP address`)
  const known = (['TCP', 'UDP', 'SCTP'] as const).find((name) => name === mapping.protocol)
  if (!known || !isPort(mapping.hostPort) || !isPort(mapping.containerPort))
    throw new CniError(cniCodes.badConfig, `runtimeConfig.portMappings: cannot forward ${JSON.stringify(value)}`)
  return { ...mapping, protocol: known }
}

const bandwidthOf = (value: unknown): Bandwidth => {
  const { ingressRate, egressRate } = fields(value)
  const bandwidth = {
    ...(number(ingressRate) > 0 ? { ingress: number(ingressRate) } : {}),
    ...(number(egressRate) > 0 ? { egress: number(egressRate) } : {}),
  }
  if (!fitsBandwidth(bandwidth))
    throw new CniError(cniCodes.badConfig, 'runtimeConfig.bandwidth: rates go from 1000 to 10^15 bits a second')
  return bandwidth
}

const readVersion = (config: Fields): CniVersion => {
  const version = cniVersions.find((known) => known === config['cniVersion'])
  if (version) return version
  throw new CniError(
    cniCodes.incompatibleVersion,
    `cniVersion "${text(config['cniVersion']) || '0.1.0'}" is none of ${cniVersions.join(', ')}`,
  )
}

const withAttachment = new Set<CniCommand>(['ADD', 'DEL', 'CHECK'])

const readAttachment = (command: CniCommand, environment: ReadonlyMap<string, string>): AttachmentName => {
  const containerId = environment.get('CNI_CONTAINERID') ?? ''
  const ifname = environment.get('CNI_IFNAME') ?? ''
  if (!withAttachment.has(command)) return { containerId, ifname }
  if (!containerIdPattern.test(containerId))
    badEnvironment('CNI_CONTAINERID', containerId === '' ? 'is missing' : `"${containerId}" is no identifier`)
  if (!isInterfaceName(ifname))
    badEnvironment('CNI_IFNAME', ifname === '' ? 'is missing' : `"${ifname}" is no interface name`)
  return { containerId, ifname }
}

const readPod = (args: ReadonlyMap<string, string>): KubernetesPod | undefined => {
  const [namespace, name, uid] = ['NAMESPACE', 'NAME', 'UID'].map((part) => args.get(`K8S_POD_${part}`) ?? '')
  return namespace && name && uid ? { namespace, name, uid } : undefined
}

/** Throws `CniError`. */
export const parseCniRequest = (environment: ReadonlyMap<string, string>, stdin: string): CniRequest => {
  const given = environment.get('CNI_COMMAND') ?? ''
  const command = cniCommands.find((known) => known === given)
  if (!command)
    return badEnvironment(
      'CNI_COMMAND',
      given === '' ? 'is missing' : `"${given}" is none of ${cniCommands.join(', ')}`,
    )
  const config = parseConfig(stdin)
  const version = command === 'VERSION' ? '1.1.0' : readVersion(config)
  if ((command === 'GC' || command === 'STATUS') && version !== '1.1.0')
    throw new CniError(cniCodes.incompatibleVersion, `${command} came with version 1.1.0, not ${version}`)
  if (command === 'CHECK' && version < '0.4.0')
    throw new CniError(cniCodes.incompatibleVersion, `CHECK came with version 0.4.0, not ${version}`)
  const network = text(config['name'])
  if (command !== 'VERSION' && !networkPattern.test(network))
    throw new CniError(cniCodes.badConfig, network === '' ? 'name is missing' : `name "${network}" is not allowed`)
  const netns = environment.get('CNI_NETNS') ?? ''
  if ((command === 'ADD' || command === 'CHECK') && !netns.startsWith('/'))
    badEnvironment('CNI_NETNS', netns === '' ? 'is missing' : `"${netns}" is no path`)
  const args = parseArgs(environment.get('CNI_ARGS') ?? '')
  const runtime = fields(config['runtimeConfig'])
  const cniArgs = fields(fields(config['args'])['cni'])
  const ips = [
    ...list(runtime['ips']).map((each) => addressOf(text(each), 'runtimeConfig.ips')),
    ...list(cniArgs['ips']).map((each) => addressOf(text(each), 'args.cni.ips')),
    ...(args.get('IP') ? [addressOf(args.get('IP') ?? '', 'CNI_ARGS IP')] : []),
  ]
  const mac = text(runtime['mac']) || text(cniArgs['mac']) || args.get('MAC')
  if (mac && !macPattern.test(mac)) throw new CniError(cniCodes.badConfig, `"${mac}" is no MAC address`)
  const prev = config['prevResult']
  if (command === 'CHECK' && prev === undefined) throw new CniError(cniCodes.badConfig, 'CHECK needs a prevResult')
  const valid = config['cni.dev/valid-attachments']
  return {
    ...{ version, command, network, netns, attachment: readAttachment(command, environment), pod: readPod(args) },
    addresses: [...new Set(ips)],
    mac: mac ? mac.toLowerCase() : undefined,
    ports: list(runtime['portMappings'])
      .filter((each) => number(fields(each)['hostPort']) !== 0)
      .map(portOf),
    bandwidth: bandwidthOf(runtime['bandwidth']),
    validAttachments:
      valid === undefined
        ? undefined
        : list(valid).map((each) => ({
            containerId: text(fields(each)['containerID']),
            ifname: text(fields(each)['ifname']),
          })),
    prevAddresses:
      prev === undefined
        ? undefined
        : list(fields(prev)['ips']).map((each) => text(fields(each)['address']).split('/')[0] ?? ''),
  }
}
