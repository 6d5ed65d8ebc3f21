import { existsSync } from 'node:fs'
import { podCIDRsOf } from '../api/nodes.ts'
import { nodes, objectKey, pods } from '../api/resources.ts'
import { humanDuration } from '../control/resources/columns.ts'
import { print } from '../host/terminal.ts'
import { isIPv6, parseAddress } from '../ip/address.ts'
import { cidrOf, cidrSize, contains } from '../ip/cidr.ts'
import { createFileLeaseStore } from '../ipam/lease-store.ts'
import { attachmentOf } from '../overlay/pod-network.ts'
import { withCluster } from './cluster.ts'
import type { ClusterAccess } from './cluster-options.ts'
import type { IpamOptions } from './ipam.ts'
import { checkOutput, printJson } from './output.ts'
import { renderTable } from './table.ts'

interface Held {
  readonly address: string
  readonly owner: string
  readonly node: string
  /** Milliseconds since 1970. */
  readonly since: number
  readonly state: 'held' | 'resting'
}

interface Range {
  readonly node: string
  readonly cidr: string
  readonly held: number
  readonly size: string
}

const fromLeases = async (file: string): Promise<readonly Held[]> => {
  if (!existsSync(file)) throw new Error(`there is no ${file}: is this a node, and are you root?`)
  return (await createFileLeaseStore(file).load()).flatMap(({ addresses, owner, note, since, freed }) =>
    addresses.map((address) => ({
      ...{ address, owner: attachmentOf(owner, note), node: '', since },
      state: freed === undefined ? ('held' as const) : ('resting' as const),
    })),
  )
}

/** What a network has for pods: all but its own address, the gateway's and, with IPv4, the broadcast address. */
const roomIn = (cidr: string): bigint => cidrSize(cidrOf(cidr)) - (isIPv6(cidr) ? 2n : 3n)

const fromApi = (
  access: ClusterAccess,
): Promise<{ readonly held: readonly Held[]; readonly ranges: readonly Range[] }> =>
  withCluster(access, async (client) => {
    const [podList, nodeList] = await Promise.all([client.list(pods), client.list(nodes)])
    const held = podList.items
      .filter(({ spec, status }) => !spec.hostNetwork && status?.phase !== 'Succeeded' && status?.phase !== 'Failed')
      .flatMap((pod) =>
        (pod.status?.podIPs ?? []).map(({ ip }) => ({
          ...{ address: ip, owner: objectKey(pod), node: pod.spec.nodeName ?? '' },
          ...{
            since: Date.parse(pod.status?.startTime ?? pod.metadata.creationTimestamp ?? ''),
            state: 'held' as const,
          },
        })),
      )
    const isIn = (cidr: string, address: string): boolean => {
      const parsed = parseAddress(address)
      return parsed !== undefined && contains(cidrOf(cidr), parsed)
    }
    const ranges = nodeList.items.flatMap(({ metadata, spec }) =>
      podCIDRsOf({ spec }).map((cidr) => ({
        ...{ node: metadata.name, cidr, size: String(roomIn(cidr)) },
        held: held.filter(({ address }) => isIn(cidr, address)).length,
      })),
    )
    return { held, ranges }
  })

const byAddress = (a: Held, b: Held): number => {
  const [x, y] = [parseAddress(a.address), parseAddress(b.address)]
  if (!x || !y || x.family !== y.family) return a.address < b.address ? -1 : 1
  return x.digits < y.digits ? -1 : 1
}

export const ipam = async (options: IpamOptions): Promise<void> => {
  const { leases, output } = options
  checkOutput(output)
  const found = leases === undefined ? await fromApi(options) : { held: await fromLeases(leases), ranges: [] }
  const held = [...found.held].sort(byAddress)
  if (output === 'json') return printJson({ ranges: found.ranges, addresses: held })
  if (found.ranges.length > 0) {
    const rows = found.ranges.map(({ node, cidr, held: count, size }) => [node, cidr, `${count} of ${size}`])
    print(`${renderTable(['NODE', 'NETWORK', 'HELD'], rows)}\n`)
  }
  const rows = held.map(({ address, owner, node, since, state }) => [
    ...[address, owner, ...(leases === undefined ? [node] : [state])],
    humanDuration(Date.now() - since),
  ])
  print(renderTable(['ADDRESS', 'OWNER', leases === undefined ? 'NODE' : 'STATE', 'AGE'], rows))
}
