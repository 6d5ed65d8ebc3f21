/** Where a Service is reached by the control plane itself, which need not have the rules of a node: at one of its endpoints. */
import { usableEndpoints } from '../../api/slices.ts'
import type { EndpointSlice, KubeObject, Service } from '../../api/types/index.ts'
import { joinHostPort } from '../../ip/address.ts'
import type { Store } from '../storage/store.ts'

export interface ServiceTarget {
  readonly namespace: string
  readonly name: string
  readonly port: number
}

/** `10.1.0.5:8443`. Throws with the reason when there is none. */
export type ResolveService = (target: ServiceTarget) => string

const serviceNameLabel = 'kubernetes.io/service-name'

const isSliceOf = ({ metadata }: KubeObject, { namespace, name }: ServiceTarget): boolean =>
  metadata.namespace === namespace && metadata.labels?.[serviceNameLabel] === name

export const createServiceResolver =
  (store: Store, random: () => number = Math.random): ResolveService =>
  (target) => {
    const { namespace, name, port } = target
    const where = `service "${namespace}/${name}"`
    const service = store.get({ bucket: 'services', name: `${namespace}/${name}` })?.object as Service | undefined
    if (!service) throw new Error(`${where} not found`)
    const { type, externalName, ports = [] } = service.spec ?? {}
    if (type === 'ExternalName' && externalName) return joinHostPort(externalName, port)
    const servicePort = ports.find((each) => each.port === port)
    if (!servicePort) throw new Error(`${where} has no port ${port}`)
    const slices = store
      .list('endpointslices.discovery.k8s.io')
      .entries.flatMap(({ object }) => (isSliceOf(object, target) ? [object as EndpointSlice] : []))
    const targets = slices.flatMap((slice) => {
      const own = slice.ports?.find((each) => (each.name ?? '') === (servicePort.name ?? ''))?.port
      return own === undefined
        ? []
        : usableEndpoints([slice]).flatMap(({ addresses }) =>
            addresses.slice(0, 1).map((address) => joinHostPort(address, own)),
          )
    })
    const chosen = targets[Math.floor(random() * targets.length)]
    if (chosen === undefined) throw new Error(`no endpoints available for ${where}`)
    return chosen
  }
