/** Who has which address now, as the pods' own network namespaces tell: for a node that has lost its leases. */

import { readdir, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type CommandRunner, prefixed } from '../host/command.ts'
import { createIproute, line } from '../host/iproute.ts'
import { enterNetworkFile } from '../host/namespaces.ts'
import { parseAddress } from '../ip/address.ts'
import { cidrOf, contains } from '../ip/cidr.ts'
import type { Lease, LeaseRecovery } from '../ipam/lease-store.ts'
import { isPodLink } from './bridge.ts'
import { type NamespaceLink, showLinks, showNamespaceLinks } from './kernel-view.ts'
import { linkName } from './pod-links.ts'

/** Where network namespaces that have no process of ours are kept by name. */
const namedNamespaces = ['/run/netns', '/run/docker/netns']

const entriesOf = async (folder: string): Promise<readonly string[]> => {
  try {
    return (await readdir(folder)).map((name) => join(folder, name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** The number of a namespace; undefined when it is gone. */
const inodeOf = async (file: string): Promise<number | undefined> => {
  try {
    return (await stat(file)).ino
  } catch (error) {
    // A process that has just ended, or one that we may not look into.
    if (['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

/** A file for each network namespace of this machine but our own. */
const otherNamespaces = async (): Promise<readonly string[]> => {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map((pid) => `/proc/${pid}/ns/net`)
  const named = (await Promise.all(namedNamespaces.map(entriesOf))).flat()
  const own = Number(/\d+/.exec(await readlink('/proc/self/ns/net'))?.[0])
  const files = new Map<number, string>()
  for (const file of [...named, ...processes]) {
    const inode = await inodeOf(file)
    if (inode !== undefined && inode !== own && !files.has(inode)) files.set(inode, file)
  }
  return [...files.values()]
}

/** The owners' addresses. Pure. An interface is an owner's when it is the other end of the owner's link. */
export const matchAddresses = (
  owners: ReadonlyMap<number, string>,
  inside: readonly NamespaceLink[],
  podCIDRs: readonly string[],
): readonly Pick<Lease, 'owner' | 'addresses'>[] =>
  inside.flatMap(({ peer, addresses }) => {
    const owner = owners.get(peer)
    // One of each family, in the order of the node's networks: numbers of links are not unique on a machine, networks are.
    const own = podCIDRs.flatMap((cidr) => addresses.find((text) => isIn(cidr, text)) ?? [])
    return owner === undefined || own.length !== podCIDRs.length ? [] : [{ owner, addresses: own }]
  })

const isIn = (cidr: string, text: string): boolean => {
  const address = parseAddress(text)
  return address !== undefined && contains(cidrOf(cidr), address)
}

/**
 * What `find` of a lease store's recovery needs to know of a node. A link whose addresses cannot be found is taken away: better
 * a pod without network, which is attached anew, than an address that two pods have.
 */
export const findPodAddresses = async (
  runner: CommandRunner,
  podCIDRs: readonly string[],
  onDamage: LeaseRecovery['onDamage'],
): Promise<readonly Pick<Lease, 'owner' | 'addresses'>[]> => {
  const iproute = createIproute(runner)
  const owners = new Map((await showLinks(iproute)).filter(isPodLink).map(({ index, alias }) => [index, alias]))
  if (owners.size === 0) return []
  const inside: NamespaceLink[] = []
  for (const file of await otherNamespaces()) {
    try {
      inside.push(...(await showNamespaceLinks(createIproute(prefixed(runner, enterNetworkFile(file))))))
    } catch (error) {
      // It may have gone meanwhile. If it was a pod's, the pod is found missing below.
      onDamage(
        `cannot look into the network namespace ${file}: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }
  const found = matchAddresses(owners, inside, podCIDRs)
  for (const owner of owners.values()) {
    if (found.some((lease) => lease.owner === owner)) continue
    onDamage(`the addresses of ${owner} cannot be found: it is taken off the network until it is attached anew`)
    await iproute.ip([line`link del dev ${linkName(owner)}`])
  }
  return found
}
