/** The links between the node and its pods. */
import { createHash } from 'node:crypto'
import { CommandError, type CommandRunner, prefixed } from '../host/command.ts'
import { createIproute, type Iproute, word } from '../host/iproute.ts'
import { enterProcess } from '../host/namespaces.ts'
import { podLinkPrefix, portLines } from './bridge.ts'
import { showAddresses, showLinks } from './kernel-view.ts'

export interface PodOnLink {
  readonly id: string
  /** A process in the pod's network namespace. */
  readonly pid: number
  readonly addresses: readonly string[]
}

export interface PodLinks {
  /** Gives the pod `eth0`. One that has it with these addresses keeps it; a half-made one is made anew. */
  attach(pod: PodOnLink): Promise<void>
  /** Nothing happens when the pod has no link. */
  detach(id: string): Promise<void>
  /** The pods that have a link. */
  list(): Promise<readonly string[]>
}

export interface PodLinksOptions {
  readonly runner: CommandRunner
  readonly mtu: number
  /** The node's address in the pods' network, one for each family. */
  readonly gateways: readonly string[]
}

/** At most 15 characters: 52 bits of the id's hash. */
export const linkName = (id: string): string =>
  `${podLinkPrefix}${createHash('sha256').update(id).digest('hex').slice(0, 13)}`

const hostPrefix = (address: string): string => `${address}/${address.includes(':') ? 128 : 32}`

/** The pod's side: it knows nobody but the node. Pure. */
export const podLines = (addresses: readonly string[], gateways: readonly string[]): readonly string[] => [
  'link set lo up',
  'link set eth0 up',
  ...addresses.map((address) => `address add ${hostPrefix(address)} dev eth0${address.includes(':') ? ' nodad' : ''}`),
  // Lines of a batch take no -6: the address tells the family.
  ...gateways.flatMap((gateway) => [
    `route add ${hostPrefix(gateway)} dev eth0${gateway.includes(':') ? '' : ' scope link'}`,
    `route add ${gateway.includes(':') ? '::/0' : 'default'} via ${gateway} dev eth0`,
  ]),
]

const says = (error: unknown, text: string): boolean => error instanceof CommandError && error.stderr.includes(text)

export const createPodLinks = ({ runner, mtu, gateways }: PodLinksOptions): PodLinks => {
  const iproute = createIproute(runner)
  const inside = (pid: number): Iproute => createIproute(prefixed(runner, enterProcess(pid, ['net'])))

  const nodeLines = ({ id, pid }: PodOnLink): readonly string[] => [
    `link add ${linkName(id)} mtu ${mtu} type veth peer name eth0 mtu ${mtu} netns ${pid}`,
    `link set dev ${linkName(id)} alias ${word(id)}`,
    ...portLines(linkName(id)),
  ]

  const remove = async (id: string): Promise<void> => {
    try {
      await iproute.ip([`link del dev ${linkName(id)}`])
    } catch (error) {
      // It goes with its pod's namespace, too.
      if (!says(error, 'Cannot find device')) throw error
    }
  }

  const make = async (pod: PodOnLink): Promise<void> => {
    await iproute.ip(nodeLines(pod))
    try {
      await inside(pod.pid).ip(podLines(pod.addresses, gateways))
    } catch (error) {
      await remove(pod.id)
      throw error
    }
  }

  /** Whether the pod's side is as it should be: what was made last is the route. */
  const isWhole = async ({ pid, addresses }: PodOnLink): Promise<boolean> => {
    const pod = inside(pid)
    const found = await showAddresses(pod, 'eth0')
    const routes = await pod.showIp(['route', 'show', 'default'])
    return addresses.every((address) => found.includes(hostPrefix(address))) && routes.length > 0
  }

  return {
    attach: async (pod) => {
      try {
        await make(pod)
      } catch (error) {
        if (!says(error, 'File exists')) throw error
        if (await isWhole(pod)) return
        await remove(pod.id)
        await make(pod)
      }
    },
    detach: remove,
    list: async () =>
      (await showLinks(iproute))
        .filter(({ name, alias }) => alias !== '' && name === linkName(alias))
        .map(({ alias }) => alias),
  }
}
