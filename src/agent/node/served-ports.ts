/** The ports that the agent serves at the node's addresses, as its settings say. Pure. */
import { isIP } from 'node:net'
import type { ServedPort } from '../../api/served-ports.ts'
import type { IngressStackSettings } from '../ingress-stack.ts'
import type { ListenAddress, ProxySettings } from '../service-stack.ts'

export interface ServingSettings {
  /** Undefined: the part does not run here. */
  readonly agentPort?: number | undefined
  readonly ingress?: IngressStackSettings | undefined
  readonly proxy?: Pick<ProxySettings, 'healthz' | 'metrics'> | undefined
  readonly dnsMetrics?: ListenAddress | undefined
}

/** Nobody from elsewhere comes there, and no Service's address is there. */
const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1'

const tcp = (port: number): ServedPort => ({ port, protocol: 'TCP' })

export const servedPorts = ({ agentPort, ingress, proxy, dnsMetrics }: ServingSettings): readonly ServedPort[] => {
  const listeners = [proxy?.healthz, proxy?.metrics, dnsMetrics, ingress?.metrics].filter((at) => at !== undefined)
  const isOpen = ingress !== undefined && !isLoopback(ingress.proxy.address)
  return [
    ...(agentPort === undefined ? [] : [tcp(agentPort)]),
    ...(isOpen ? [ingress.proxy.httpPort, ingress.proxy.httpsPort ?? 0].filter((port) => port > 0).map(tcp) : []),
    ...listeners.filter(({ address }) => !isLoopback(address)).map(({ port }) => tcp(port)),
  ]
}

/** Where the API server is, when its URL names an address: a Service there would cut the node off. */
export const serverPlace = (url: string): { readonly address: string; readonly port: number } | undefined => {
  const { hostname, port, protocol } = new URL(url)
  const address = hostname.replace(/^\[(.*)\]$/, '$1')
  const usual = protocol === 'https:' ? 443 : 80
  return isIP(address) > 0 ? { address, port: port === '' ? usual : Number(port) } : undefined
}
