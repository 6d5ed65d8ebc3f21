/** The ports that are served at the node's addresses, as the agent's settings say. Pure. */
import { isLoopback } from '../../api/host-ports.ts'
import type { ServedPort } from '../../api/served-ports.ts'
import type { ListenAddress } from '../../host/http-listener.ts'
import { isAddress } from '../../ip/address.ts'

/** Of the Ingress proxy. */
interface IngressPorts {
  readonly proxy: { readonly address: string; readonly httpPort: number; readonly httpsPort?: number }
  readonly metrics: ListenAddress | undefined
}

/** Of the proxy of Services. */
interface ProxyPorts {
  readonly healthz: ListenAddress | undefined
  readonly metrics: ListenAddress | undefined
}

export interface ServingSettings {
  /** Undefined: the part does not run here; 0: it listens nowhere. */
  readonly agentPort?: number | undefined
  readonly ingress?: IngressPorts | undefined
  readonly proxy?: ProxyPorts | undefined
  readonly dnsMetrics?: ListenAddress | undefined
  /** Where the API server is, and the addresses of this node: it may be here. */
  readonly apiServer?: ListenAddress | undefined
  readonly nodeAddresses?: readonly string[] | undefined
}

const tcp = (port: number): ServedPort => ({ port, protocol: 'TCP' })

export const servedPorts = (settings: ServingSettings): readonly ServedPort[] => {
  const { agentPort, ingress, proxy, dnsMetrics, apiServer, nodeAddresses = [] } = settings
  const listeners = [proxy?.healthz, proxy?.metrics, dnsMetrics, ingress?.metrics].filter((at) => at !== undefined)
  const isOpen = ingress !== undefined && !isLoopback(ingress.proxy.address)
  return [
    ...(agentPort ? [tcp(agentPort)] : []),
    ...(isOpen ? [ingress.proxy.httpPort, ingress.proxy.httpsPort ?? 0].filter((port) => port > 0).map(tcp) : []),
    ...listeners.map(({ address, port }) => (isLoopback(address) ? { ...tcp(port), ip: address } : tcp(port))),
    ...(apiServer && (isLoopback(apiServer.address) || nodeAddresses.includes(apiServer.address))
      ? [{ ...tcp(apiServer.port), ip: apiServer.address }]
      : []),
  ]
}

/** Where the API server is, when its URL names an address: a Service there would cut the node off. */
export const serverPlace = (url: string): ListenAddress | undefined => {
  const { hostname, port, protocol } = new URL(url)
  const address = hostname.replace(/^\[(.*)\]$/, '$1')
  const usual = protocol === 'https:' ? 443 : 80
  return isAddress(address) ? { address, port: port === '' ? usual : Number(port) } : undefined
}
