/**
 * Names that routes send requests to: of ExternalName Services, auth servers, mirrors. Those of the cluster are asked of
 * its DNS, all others of the machine's resolver.
 */
import { type LookupAddress, lookup as lookUpHere, promises } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { isAddress } from '../../../ip/address.ts'

/** Plain data: it is cloned into the threads that serve. */
export interface ClusterNames {
  /** `cluster.local` */
  readonly domain: string
  /** Where the cluster's DNS answers, with a port when that is not 53. */
  readonly servers: readonly string[]
}

export interface LookupOptions {
  /** Missing: no name is the cluster's. */
  readonly cluster: ClusterNames | undefined
  /** Addresses that no name may lead to. */
  readonly isRefused: (address: string) => boolean
  /** Told of every name that could not be found. */
  readonly report: (problem: string) => void
}

type Answer = readonly LookupAddress[]
type Ask = (name: string) => Promise<Answer>

const attemptMs = 1_000
const attempts = 3

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error)

/** The name to ask the cluster for; undefined when it is not the cluster's. `web.default.svc` is what pods call it, too. */
export const clusterName = (name: string, domain: string): string | undefined => {
  const plain = name.toLowerCase().replace(/\.$/, '')
  const known = domain.toLowerCase()
  if (plain.endsWith(`.${known}`)) return plain
  return plain.endsWith('.svc') && !name.endsWith('.') ? `${plain}.${known}` : undefined
}

/** Both families are asked; what either of them finds counts. */
const askCluster = ({ servers }: ClusterNames): Ask => {
  const resolver = new promises.Resolver({ timeout: attemptMs, tries: attempts })
  resolver.setServers(servers)
  return async (name) => {
    const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    const found = [
      ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 })) : []),
      ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 })) : []),
    ]
    if (found.length > 0) return found
    const codes = [four, six].flatMap((each) => (each.status === 'rejected' ? [codeOf(each.reason)] : []))
    throw new Error(`cluster DNS ${servers.join(', ')}: ${[...new Set(codes)].join(', ')}`)
  }
}

const askMachine: Ask = (name) =>
  new Promise((resolve, reject) =>
    lookUpHere(name, { all: true }, (error, found) => (error ? reject(error) : resolve(found))),
  )

/** Who asks while the same question is on its way waits for that answer. */
const shared = (ask: Ask): Ask => {
  const running = new Map<string, Promise<Answer>>()
  return (name) => {
    const known = running.get(name)
    if (known) return known
    const asked = ask(name).finally(() => running.delete(name))
    running.set(name, asked)
    return asked
  }
}

const familyOf = (family: number | 'IPv4' | 'IPv6' | undefined): number =>
  family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : (family ?? 0)

/** For whoever connects to a name. */
export const createLookup = ({ cluster, isRefused, report }: LookupOptions): LookupFunction => {
  const askNames = cluster && shared(askCluster(cluster))

  const addressesOf = async (name: string, family: number): Promise<Answer> => {
    const ours = cluster && !isAddress(name) ? clusterName(name, cluster.domain) : undefined
    const found = ours !== undefined && askNames ? await askNames(ours) : await askMachine(name)
    const usable = found.filter(({ address }) => !isRefused(address))
    if (usable.length === 0) throw new Error('it is this machine itself, which no backend may be')
    const wanted = usable.filter((each) => family === 0 || each.family === family)
    if (wanted.length === 0) throw new Error(`it has no IPv${family} address`)
    return wanted
  }

  return (name, options, callback) => {
    const tell = (error: unknown): void => {
      const why = `cannot look up ${name}: ${error instanceof Error ? error.message : String(error)}`
      report(why)
      callback(new Error(why), '')
    }
    addressesOf(name, familyOf(options.family)).then((found) => {
      const [first] = found
      if (options.all) callback(null, [...found])
      else if (first) callback(null, first.address, first.family)
    }, tell)
  }
}
