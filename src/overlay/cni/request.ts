/** What a container runtime asks a CNI plugin for: environment and standard input, read into typed values (CNI 1.1). */
import {
  GoJsonError,
  type GoType,
  type GoValue,
  goAny,
  goInteger,
  goList,
  goString,
  goStruct,
  orElse,
  readGoJson,
  UnknownFieldError,
} from '../../api/go-json.ts'
import { parseAddress } from '../../ip/address.ts'
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
  /** Those that GC is to leave alone. */
  readonly validAttachments: readonly AttachmentName[]
  /** Addresses of an earlier ADD, for CHECK. */
  readonly prevAddresses: readonly string[]
}

const rate = goInteger(0, Number.MAX_VALUE)

/** What a runtime passes on when the network's configuration declares the capability: it has to be understood. */
const runtimeConfig = goStruct('closed', {
  portMappings: goList(
    goStruct('closed', {
      hostPort: goInteger(0, 65_535),
      containerPort: goInteger(0, 65_535),
      protocol: goString,
      hostIP: goString,
    }),
  ),
  // Bursts are chosen here: runtimes send the largest number there is, which would be no limit for minutes.
  bandwidth: goStruct('closed', { ingressRate: rate, ingressBurst: rate, egressRate: rate, egressBurst: rate }),
  ips: goList(goString),
  mac: goString,
})

/** What is passed on without regard for who understands it. */
const args = goStruct('open', { cni: goStruct('open', { ips: goList(goString), mac: goString }) })

/** What any request says; the rest of it may be nonsense. */
const head = goStruct('open', { cniVersion: goString, name: goString })

const ofAdd = goStruct('closed', {
  ...{ cniVersion: goString, name: goString, type: goString, prevResult: goAny },
  ...{ capabilities: goAny, runtimeConfig, args },
})
const ofCheck = goStruct('open', {
  prevResult: orElse(goStruct('open', { ips: goList(goStruct('open', { address: goString })) }), undefined),
})
const valid = 'cni.dev/valid-attachments'
const ofGc = goStruct('open', {
  [valid]: orElse(goList(goStruct('open', { containerID: goString, ifname: goString })), undefined),
})

const codeOf = (error: GoJsonError): number =>
  error instanceof UnknownFieldError ? cniCodes.unsupportedField : cniCodes.decoding

/** Throws `CniError`. */
const readConfig = <T>(stdin: string, type: GoType<T>): T => {
  try {
    return readGoJson(stdin, type)
  } catch (error) {
    if (error instanceof GoJsonError) throw new CniError(codeOf(error), `network configuration: ${error.message}`)
    throw error
  }
}

/** The version of a configuration, for answers; 0.1.0 is what one that names none means. */
export const versionOf = (stdin: string): string => {
  try {
    return readGoJson(stdin, head).cniVersion || '0.1.0'
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

type PortMapping = GoValue<typeof runtimeConfig>['portMappings'][number]

const portOf = (mapping: PortMapping): WantedPort => {
  const { hostPort, containerPort, hostIP } = mapping
  if (hostIP !== '' && !parseAddress(hostIP))
    throw new CniError(cniCodes.badConfig, `runtimeConfig.portMappings: "${hostIP}" is no IP address`)
  const given = mapping.protocol.toUpperCase() || 'TCP'
  const protocol = (['TCP', 'UDP', 'SCTP'] as const).find((name) => name === given)
  if (!protocol || containerPort === 0)
    throw new CniError(cniCodes.badConfig, `runtimeConfig.portMappings: cannot forward ${JSON.stringify(mapping)}`)
  return { hostPort, containerPort, hostIP, protocol }
}

const bandwidthOf = ({ ingressRate, egressRate }: GoValue<typeof runtimeConfig>['bandwidth']): Bandwidth => {
  const bandwidth = {
    ...(ingressRate > 0 ? { ingress: ingressRate } : {}),
    ...(egressRate > 0 ? { egress: egressRate } : {}),
  }
  if (!fitsBandwidth(bandwidth))
    throw new CniError(cniCodes.badConfig, 'runtimeConfig.bandwidth: rates go from 1000 to 10^15 bits a second')
  return bandwidth
}

const readVersion = (given: string): CniVersion => {
  const version = cniVersions.find((known) => known === given)
  if (version) return version
  throw new CniError(
    cniCodes.incompatibleVersion,
    `cniVersion "${given || '0.1.0'}" is none of ${cniVersions.join(', ')}`,
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

/** Names of CNI_ARGS that say something to a plugin like this one, or about who asks. */
const knownArgs = new Set(['IgnoreUnknown', 'IP', 'MAC'])
const podArgPrefix = 'K8S_POD_'

/** As plugins in Go do: what is not known is refused, unless whoever asks allows for it. */
const checkArgs = (given: ReadonlyMap<string, string>): void => {
  if (['1', 'true', 'TRUE', 'True', 't', 'T'].includes(given.get('IgnoreUnknown') ?? '')) return
  const unknown = [...given.keys()].find((name) => !knownArgs.has(name) && !name.startsWith(podArgPrefix))
  if (unknown !== undefined)
    badEnvironment('CNI_ARGS', `holds ${unknown}, which is not known here (IgnoreUnknown=1 allows it)`)
}

const noWishes = { addresses: [], mac: undefined, ports: [], bandwidth: {} } as const

type Wishes = Pick<CniRequest, 'addresses' | 'mac' | 'ports' | 'bandwidth'>

/** What is wished for: each wish is understood, or the whole is refused. */
const readWishes = (stdin: string, given: ReadonlyMap<string, string>): Wishes => {
  checkArgs(given)
  const {
    runtimeConfig: runtime,
    args: { cni },
  } = readConfig(stdin, ofAdd)
  const ip = given.get('IP')
  const ips = [
    ...runtime.ips.map((each) => addressOf(each, 'runtimeConfig.ips')),
    ...cni.ips.map((each) => addressOf(each, 'args.cni.ips')),
    ...(ip ? [addressOf(ip, 'CNI_ARGS IP')] : []),
  ]
  const mac = runtime.mac || cni.mac || given.get('MAC')
  if (mac && !macPattern.test(mac)) throw new CniError(cniCodes.badConfig, `"${mac}" is no MAC address`)
  return {
    addresses: [...new Set(ips)],
    mac: mac ? mac.toLowerCase() : undefined,
    // Containers name ports that are not to be forwarded, too.
    ports: runtime.portMappings.filter(({ hostPort }) => hostPort !== 0).map(portOf),
    bandwidth: bandwidthOf(runtime.bandwidth),
  }
}

const readPrevious = (stdin: string): readonly string[] => {
  const { prevResult } = readConfig(stdin, ofCheck)
  if (prevResult === undefined) throw new CniError(cniCodes.badConfig, 'CHECK needs a prevResult')
  return prevResult.ips.map(({ address }) => address.split('/')[0] ?? '')
}

/** None at all is a runtime without containers; one that does not say must not lose them all. */
const readValid = (stdin: string): readonly AttachmentName[] => {
  const attachments = readConfig(stdin, ofGc)[valid]
  if (attachments === undefined) throw new CniError(cniCodes.badConfig, `GC needs ${valid}, a list`)
  return attachments.map(({ containerID, ifname }) => ({ containerId: containerID, ifname }))
}

const readCommand = (given: string): CniCommand =>
  cniCommands.find((known) => known === given) ??
  badEnvironment('CNI_COMMAND', given === '' ? 'is missing' : `"${given}" is none of ${cniCommands.join(', ')}`)

/** Throws `CniError`. */
export const parseCniRequest = (environment: ReadonlyMap<string, string>, stdin: string): CniRequest => {
  const command = readCommand(environment.get('CNI_COMMAND') ?? '')
  const { cniVersion, name: network } = readConfig(stdin, head)
  const version = command === 'VERSION' ? '1.1.0' : readVersion(cniVersion)
  if ((command === 'GC' || command === 'STATUS') && version !== '1.1.0')
    throw new CniError(cniCodes.incompatibleVersion, `${command} came with version 1.1.0, not ${version}`)
  if (command === 'CHECK' && version < '0.4.0')
    throw new CniError(cniCodes.incompatibleVersion, `CHECK came with version 0.4.0, not ${version}`)
  if (command !== 'VERSION' && !networkPattern.test(network))
    throw new CniError(cniCodes.badConfig, network === '' ? 'name is missing' : `name "${network}" is not allowed`)
  const netns = environment.get('CNI_NETNS') ?? ''
  if ((command === 'ADD' || command === 'CHECK') && !netns.startsWith('/'))
    badEnvironment('CNI_NETNS', netns === '' ? 'is missing' : `"${netns}" is no path`)
  const given = parseArgs(environment.get('CNI_ARGS') ?? '')
  return {
    ...{ version, command, network, netns, attachment: readAttachment(command, environment), pod: readPod(given) },
    // Whatever was wished for, it has to be possible to take it back.
    ...(command === 'ADD' ? readWishes(stdin, given) : noWishes),
    validAttachments: command === 'GC' ? readValid(stdin) : [],
    prevAddresses: command === 'CHECK' ? readPrevious(stdin) : [],
  }
}
