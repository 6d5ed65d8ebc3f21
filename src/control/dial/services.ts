/**
 * Connections of the control plane itself to Services: at one of their endpoints, since it need not have the rules of a node; to pods
 * through their nodes' agents, since it need not have a way to pods.
 */
import { once } from 'node:events'
import { connect as connectDirectly } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { errorText } from '../../api/errors.ts'
import { serviceNameLabel, usableEndpoints } from '../../api/slices.ts'
import type { Endpoint, EndpointSlice, KubeObject, Pod, Service } from '../../api/types/index.ts'
import { joinHostPort } from '../../ip/address.ts'
import type { Store } from '../storage/store.ts'
import { dialPod, type PodPort } from './dial-pod.ts'
import type { Dialer } from './dialer.ts'

export interface ServiceTarget {
  readonly namespace: string
  readonly name: string
  readonly port: number
}

/** Rejects with the reason when there is no endpoint, or none that answers. */
export type ConnectToService = (target: ServiceTarget, signal: AbortSignal) => Promise<Duplex>

type Objects = Pick<Store, 'get' | 'list'>

interface Place {
  readonly host: string
  readonly port: number
  /** Missing for what is no pod. */
  readonly pod?: PodPort
}

const isSliceOf = ({ metadata }: KubeObject, { namespace, name }: ServiceTarget): boolean =>
  metadata.namespace === namespace && metadata.labels?.[serviceNameLabel] === name

/** The pod that an endpoint says it is, if it has that address: anybody may write endpoints. */
const podOf = (
  store: Objects,
  namespace: string,
  { targetRef, addresses }: Endpoint,
  port: number,
): PodPort | undefined => {
  if (targetRef?.kind !== 'Pod' || !targetRef.name) return undefined
  const pod = store.get({ bucket: 'pods', name: `${namespace}/${targetRef.name}` })?.object as Pod | undefined
  const node = pod?.spec.nodeName
  const own = pod?.status?.podIPs?.map(({ ip }) => ip) ?? []
  if (!pod || !node || !addresses.every((address) => own.includes(address))) return undefined
  return { node, namespace, name: pod.metadata.name, uid: pod.metadata.uid ?? '', port }
}

/** One of the Service's endpoints. Throws with the reason when there is none. */
const choose = (store: Objects, target: ServiceTarget, random: () => number): Place => {
  const { namespace, name, port } = target
  const where = `service "${namespace}/${name}"`
  const service = store.get({ bucket: 'services', name: `${namespace}/${name}` })?.object as Service | undefined
  if (!service) throw new Error(`${where} not found`)
  const { type, externalName, ports = [] } = service.spec ?? {}
  if (type === 'ExternalName' && externalName) return { host: externalName, port }
  const servicePort = ports.find((each) => each.port === port)
  if (!servicePort) throw new Error(`${where} has no port ${port}`)
  const slices = store
    .list('endpointslices.discovery.k8s.io')
    .entries.flatMap(({ object }) => (isSliceOf(object, target) ? [object as EndpointSlice] : []))
  const places = slices.flatMap((slice) => {
    const own = slice.ports?.find((each) => (each.name ?? '') === (servicePort.name ?? ''))?.port
    if (own === undefined) return []
    return usableEndpoints([slice]).flatMap((endpoint): readonly Place[] => {
      const [host] = endpoint.addresses
      const pod = podOf(store, namespace, endpoint, own)
      return host === undefined ? [] : [{ host, port: own, ...(pod ? { pod } : {}) }]
    })
  })
  const chosen = places[Math.floor(random() * places.length)]
  if (chosen === undefined) throw new Error(`no endpoints available for ${where}`)
  return chosen
}

const openSocket = async ({ host, port }: Place, signal: AbortSignal): Promise<Duplex> => {
  const socket = connectDirectly({ host, port })
  try {
    await once(socket, 'connect', { signal })
    return socket
  } catch (error) {
    // Nobody hears any more what else would happen to it.
    socket.on('error', () => undefined).destroy()
    throw error
  }
}

/** A pod whose agent does not connect (perhaps it is no agent of ours) may have an address that leads there all the same. */
const open = async (dialer: Dialer, place: Place, signal: AbortSignal): Promise<Duplex> => {
  if (!place.pod) return openSocket(place, signal)
  try {
    return await dialPod(dialer, place.pod, signal)
  } catch (error) {
    if (signal.aborted) throw error
    return openSocket(place, signal).catch((direct: unknown) => {
      throw new Error(`${joinHostPort(place.host, place.port)}: ${errorText(error)}; ${errorText(direct)}`)
    })
  }
}

export const createServiceConnections =
  (store: Objects, dialer: Dialer, random: () => number = Math.random): ConnectToService =>
  async (target, signal) =>
    open(dialer, choose(store, target, random), signal)

const connectMs = 5_000

/** The same with TLS. Rejects when there is no connection within five seconds, or when `signal` aborts; nothing is left open then. */
export const connectSecurely = async (
  connect: ConnectToService,
  target: ServiceTarget,
  options: ConnectionOptions,
  signal?: AbortSignal,
): Promise<TLSSocket> => {
  const late = AbortSignal.timeout(connectMs)
  const either = signal ? AbortSignal.any([signal, late]) : late
  const inner = await connect(target, either)
  const socket = connectTls({ ...options, socket: inner })
  try {
    await once(socket, 'secureConnect', { signal: either })
    return socket
  } catch (error) {
    socket.on('error', () => undefined).destroy()
    inner.destroy()
    throw late.aborted && !signal?.aborted ? new Error(`cannot connect within ${connectMs} ms`) : error
  }
}
