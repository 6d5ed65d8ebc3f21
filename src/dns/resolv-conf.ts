/** resolv.conf: the node's, read; a pod's, written. Pure. */
import { parsePeerAddress } from '../ip/address.ts'

export interface ResolvConf {
  readonly nameservers: readonly string[]
  readonly searches: readonly string[]
  /** `ndots:5`, `rotate` … */
  readonly options: readonly string[]
}

/** What resolvers read, and what a longer file would lose. */
const maxNameservers = 3
const maxSearches = 32
const maxSearchCharacters = 2048

/** Lines that say nothing we know are left out; the last `search` counts (resolv.conf(5)). */
export const parseResolvConf = (text: string): ResolvConf => {
  const nameservers: string[] = []
  let searches: readonly string[] = []
  const options: string[] = []
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/)
    if (keyword === 'nameserver' && parsePeerAddress(words[0] ?? '')) nameservers.push(words[0] ?? '')
    else if (keyword === 'search' || keyword === 'domain') searches = words
    else if (keyword === 'options') options.push(...words)
  }
  return { nameservers, searches, options }
}

/** systemd-resolved on this machine: a pod cannot reach it there. */
export const isStub = ({ nameservers }: ResolvConf): boolean =>
  nameservers.length > 0 && nameservers.every((address) => address === '127.0.0.53' || address === '127.0.0.54')

export interface PodDns {
  readonly policy: 'ClusterFirst' | 'ClusterFirstWithHostNet' | 'Default' | 'None'
  readonly hostNetwork: boolean
  readonly namespace: string
  readonly config?:
    | {
        readonly nameservers?: readonly string[]
        readonly searches?: readonly string[]
        readonly options?: readonly { readonly name?: string; readonly value?: string }[]
      }
    | undefined
}

export interface ClusterDnsFacts {
  readonly domain: string
  readonly nameservers: readonly string[]
}

const base = (pod: PodDns, cluster: ClusterDnsFacts, host: ResolvConf): ResolvConf => {
  if (pod.policy === 'None') return { nameservers: [], searches: [], options: [] }
  const isCluster = pod.policy === 'ClusterFirstWithHostNet' || (pod.policy === 'ClusterFirst' && !pod.hostNetwork)
  if (!isCluster) return host
  const { domain, nameservers } = cluster
  const searches = [`${pod.namespace}.svc.${domain}`, `svc.${domain}`, domain, ...host.searches]
  return { nameservers, searches, options: ['ndots:5'] }
}

const optionName = (option: string): string => option.split(':')[0] ?? ''

/** What the pod wants on top: lists are appended, options replace those of the same name. */
const extend = (
  before: ResolvConf,
  { nameservers = [], searches = [], options = [] }: NonNullable<PodDns['config']>,
): ResolvConf => {
  const added = options.flatMap(({ name, value }) => (name ? [value ? `${name}:${value}` : name] : []))
  const replaced = new Set(added.map(optionName))
  return {
    nameservers: [...before.nameservers, ...nameservers],
    searches: [...before.searches, ...searches],
    options: [...before.options.filter((option) => !replaced.has(optionName(option))), ...added],
  }
}

const unique = (items: readonly string[]): readonly string[] => [...new Set(items)]

const limitSearches = (searches: readonly string[]): readonly string[] => {
  const kept = searches.slice(0, maxSearches)
  while (kept.join(' ').length > maxSearchCharacters) kept.pop()
  return kept
}

/** The text of a pod's /etc/resolv.conf, and what did not fit in it. */
export const podResolvConf = (
  pod: PodDns,
  cluster: ClusterDnsFacts,
  host: ResolvConf,
): { readonly text: string; readonly warnings: readonly string[] } => {
  const whole = extend(base(pod, cluster, host), pod.config ?? {})
  const nameservers = unique(whole.nameservers)
  const searches = unique(whole.searches)
  const usedServers = nameservers.slice(0, maxNameservers)
  const usedSearches = limitSearches(searches)
  const options = unique(whole.options)
  const lines = [
    ...(usedSearches.length > 0 ? [`search ${usedSearches.join(' ')}`] : []),
    ...usedServers.map((address) => `nameserver ${address}`),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
  ]
  return {
    text: lines.map((line) => `${line}\n`).join(''),
    warnings: [
      ...(usedServers.length < nameservers.length
        ? [
            `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${usedServers.join(' ')}`,
          ]
        : []),
      ...(usedSearches.length < searches.length
        ? [
            `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${usedSearches.join(' ')}`,
          ]
        : []),
    ],
  }
}
