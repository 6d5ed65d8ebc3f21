/** Where the proxy of a pod, a Service or a node leads. */
import { badRequest, isNotFound, serviceUnavailable } from '../../../api/errors.ts'
import type { Endpoints, KubeObject, Node, Pod, Service } from '../../../api/types/index.ts'
import { isAddress, joinHostPort } from '../../../ip/address.ts'
import type { ObjectName, Objects } from '../../objects/objects.ts'
import { endpoints as endpointsKind } from '../../resources/core/endpoints.ts'
import { node as nodeKind } from '../../resources/core/node.ts'
import { pod as podKind } from '../../resources/core/pod.ts'
import { service as serviceKind } from '../../resources/core/service.ts'
import type { ResourceDefinition } from '../../resources/definition.ts'
import { nodeOfPod } from '../node-of-pod.ts'

export interface ProxyName {
  readonly scheme: 'http' | 'https'
  readonly name: string
  /** A number or a name; empty for none. */
  readonly port: string
}

export interface ProxyTarget {
  readonly scheme: 'http' | 'https'
  /** The node whose agent is asked, or asked to connect. */
  readonly node: string
  /** What the agent connects to; missing for the agent itself. */
  readonly pod?: { readonly namespace: string; readonly name: string; readonly uid: string; readonly port: number }
  /** The Host that it sees. */
  readonly host: string
}

/** `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`, the last with empty parts, too. Throws BadRequest. */
export const parseProxyName = (text: string, kind: string): ProxyName => {
  const parts = text.split(':')
  const [scheme = '', name = '', port = ''] = parts.length < 3 ? ['', ...parts] : parts
  if (parts.length > 3 || name === '' || !['', 'http', 'https'].includes(scheme))
    throw badRequest(`invalid ${kind} request ${JSON.stringify(text)}`)
  return { scheme: scheme === 'https' ? 'https' : 'http', name, port }
}

const find = <T extends KubeObject>(objects: Objects, kind: ResourceDefinition, name: ObjectName): T | undefined => {
  try {
    return objects.get(kind, name) as T
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** Link-local and loopback addresses are nobody's pod, whatever its status says. */
const isProxyable = (address: string): boolean =>
  isAddress(address) && !/^(127\.|169\.254\.|0\.|22[4-9]\.|2[3-5]\d\.|::1$|::$|fe[89ab]|ff)/i.test(address)

const numberOf = (port: string): number | undefined => {
  const number = /^\d{1,5}$/.test(port) ? Number(port) : 0
  return number > 0 && number < 65_536 ? number : undefined
}

const toPod = (pod: Pod, scheme: 'http' | 'https', port: number): ProxyTarget => {
  const { name, namespace = '', uid = '' } = pod.metadata
  const address = pod.status?.podIP ?? ''
  if (!isProxyable(address)) throw badRequest(address === '' ? `pod ${name} has no address yet` : 'address not allowed')
  return { scheme, node: nodeOfPod(pod), pod: { namespace, name, uid, port }, host: joinHostPort(address, port) }
}

export const podTarget = (objects: Objects, namespace: string, text: string): ProxyTarget => {
  const { scheme, name, port } = parseProxyName(text, 'pod')
  const pod = objects.get(podKind, { namespace, name }) as Pod
  const declared = pod.spec.containers.flatMap(({ ports = [] }) => ports)[0]?.containerPort
  const number = port === '' ? (declared ?? (scheme === 'https' ? 443 : 80)) : numberOf(port)
  if (number === undefined) throw badRequest(`invalid port ${JSON.stringify(port)} of pod ${name}`)
  return toPod(pod, scheme, number)
}

/** The name of the Service's port that is meant: Endpoints know ports by it. */
const portNameOf = ({ metadata, spec }: Service, port: string): string => {
  const number = numberOf(port)
  if (number === undefined) return port
  const found = spec.ports?.find((each) => each.port === number)
  if (!found) throw serviceUnavailable(`no service port ${number} found for service ${JSON.stringify(metadata.name)}`)
  return found.name ?? ''
}

/** Pods of the node that the Endpoints name, with the port; only what is a pod of that address is proxied to. */
const backends = (objects: Objects, { subsets = [] }: Endpoints, namespace: string, port: string) =>
  subsets.flatMap(({ addresses = [], ports = [] }) => {
    const number = ports.find(({ name = '' }) => name === port)?.port
    if (number === undefined) return []
    return addresses.flatMap(({ ip, targetRef }) => {
      if (targetRef?.kind !== 'Pod' || !targetRef.name) return []
      const pod = find<Pod>(objects, podKind, { namespace, name: targetRef.name })
      const own = pod?.status?.podIPs?.map((each) => each.ip) ?? [pod?.status?.podIP]
      return pod && own.includes(ip) ? [{ pod, number }] : []
    })
  })

export const serviceTarget = (
  objects: Objects,
  namespace: string,
  text: string,
  random: () => number = Math.random,
): ProxyTarget => {
  const { scheme, name, port } = parseProxyName(text, 'service')
  const service = objects.get(serviceKind, { namespace, name }) as Service
  const portName = portNameOf(service, port)
  const known = find<Endpoints>(objects, endpointsKind, { namespace, name })
  const found = known ? backends(objects, known, namespace, portName) : []
  const chosen = found[Math.floor(random() * found.length)]
  if (!chosen) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(name)}`)
  return toPod(chosen.pod, scheme, chosen.number)
}

/** The agent of a node; other ports of nodes are not proxied to. */
export const nodeTarget = (objects: Objects, text: string): ProxyTarget => {
  const { name, port } = parseProxyName(text, 'node')
  const { status } = objects.get(nodeKind, { namespace: undefined, name }) as Node
  const own = status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 10_250
  if (port !== '' && numberOf(port) !== own && numberOf(port) !== 10_250)
    throw badRequest(`only the agent's port ${own} of node ${name} can be reached through the proxy`)
  return { scheme: 'http', node: name, host: name }
}
