/** What is wrong with a machine, and what helps. Pure. */
import { counted } from '../../host/counted.ts'
import { ruleTarget, ruleWords } from '../../host/netfilter/tables.ts'
import { findOverlaps } from '../../ipam/overlap.ts'
import type { MachineFacts, PeerFacts } from './facts.ts'

/** `fail`: pods notice. `warn`: they may. `unknown`: it could not be looked at. */
export type Verdict = 'ok' | 'warn' | 'fail' | 'unknown'

export interface Finding {
  /** What was looked at: `ip_forward`. */
  readonly check: string
  readonly verdict: Verdict
  readonly message: string
  /** What helps; empty when nothing need be done. */
  readonly cure: string
}

type Check = (facts: MachineFacts) => Omit<Finding, 'check'> | readonly Omit<Finding, 'check'>[]

const ok = (message: string): Omit<Finding, 'check'> => ({ verdict: 'ok', message, cure: '' })
const fail = (message: string, cure: string): Omit<Finding, 'check'> => ({ verdict: 'fail', message, cure })
const warn = (message: string, cure: string): Omit<Finding, 'check'> => ({ verdict: 'warn', message, cure })
const unknown = (message: string, cure: string): Omit<Finding, 'check'> => ({ verdict: 'unknown', message, cure })

const ourForward = 'PODWAY-FORWARD'

/** A rule that turns away whatever comes: it has no condition. */
const turnsAllAway = (rule: string): boolean =>
  ['DROP', 'REJECT'].includes(ruleTarget(rule) ?? '') &&
  !ruleWords(rule).some((word) => ['-s', '-d', '-i', '-o', '-p', '--ctstate', '--mark'].includes(word))

const forwarding: Check = ({ forward }) => {
  if (!forward) return unknown('table filter has no chain FORWARD yet', '')
  const ours = forward.rules.findIndex((rule) => ruleTarget(rule) === ourForward)
  const wall = forward.rules.findIndex(turnsAllAway)
  if (wall >= 0 && (ours < 0 || wall < ours))
    return fail(
      `rule ${wall + 1} of FORWARD turns all away before pods are accepted: ${forward.rules[wall]}`,
      'remove it, or accept the pod network before it: iptables -I FORWARD 1 -j PODWAY-FORWARD',
    )
  if (ours < 0 && forward.policy === 'DROP')
    return fail(
      'the policy of FORWARD is DROP (Docker sets it), and nothing accepts pods',
      'start the agent, or: iptables -P FORWARD ACCEPT',
    )
  return ok(forward.policy === 'DROP' ? 'pods are accepted; the policy for others is DROP' : 'pods are accepted')
}

const peerFinding = (peer: PeerFacts): Omit<Finding, 'check'> => {
  const { address, tunnelAddress } = peer
  if (!peer.answersDirectly)
    return fail(`node ${address} does not answer`, 'is it up, and is its agent running? Are the nodes on one network?')
  if (!peer.answersInTunnel)
    return fail(
      `node ${address} answers, but not through the tunnel (${tunnelAddress})`,
      'allow UDP port 8472 between the nodes, both ways, in firewalls and security groups; if it is open: ethtool -K podway.1 tx-checksum-ip-generic off',
    )
  if (peer.takesLargePackets === false)
    return fail(
      `packets of full size do not get to ${address}`,
      'the network between the nodes carries less than its devices say: lower the MTU of the device with the node address (ip link set DEV mtu 1400); the agent follows',
    )
  return ok(`node ${address} answers directly and through the tunnel`)
}

const conntrackShare = 0.9
const clockSkewSeconds = 5

const checks: Readonly<Record<string, Check>> = {
  ip_forward: ({ ipForward }) =>
    ipForward === '1'
      ? ok('packets are forwarded')
      : fail('this machine forwards no packets', 'sysctl -w net.ipv4.ip_forward=1, and in /etc/sysctl.d to keep it'),
  rp_filter: ({ strictReversePath }) =>
    strictReversePath.length === 0
      ? ok('no device of the pod network is strict about where packets come from')
      : warn(
          `strict on ${strictReversePath.slice(0, 3).join(', ')}: answers that take another way are dropped`,
          'sysctl -w net.ipv4.conf.all.rp_filter=2',
        ),
  br_netfilter: ({ bridgeCallsIptables }) =>
    ok(
      bridgeCallsIptables === '1'
        ? 'bridged packets pass iptables, too; ports have hairpin mode for that'
        : 'bridged packets do not pass iptables, and need not: pods talk by way of the node',
    ),
  'rule stores': ({ ruleStoresMixed }) =>
    ruleStoresMixed
      ? warn(
          'both iptables-nft and iptables-legacy hold rules: packets pass through both, each tool shows its own',
          'find out who writes to which (iptables-legacy-save, iptables-nft-save), and move all to one with update-alternatives --config iptables',
        )
      : ok('all rules are in one store'),
  FORWARD: forwarding,
  firewalld: ({ hasFirewalld }) =>
    hasFirewalld
      ? warn(
          'firewalld has rules of its own, which iptables does not show',
          'firewall-cmd --permanent --zone=trusted --add-interface=podway0 --add-interface=podway.1 && firewall-cmd --reload',
        )
      : ok('not here'),
  'checksum offload': ({ checksumOffload, peers }) => {
    const isBroken = peers.some(({ answersDirectly, answersInTunnel }) => answersDirectly && !answersInTunnel)
    if (checksumOffload === undefined) return unknown('nobody can tell', 'install ethtool')
    if (checksumOffload === 'on' && isBroken)
      return warn(
        'the device computes checksums for the tunnel, and a node does not answer through it',
        'ethtool -K podway.1 tx-checksum-ip-generic off',
      )
    return ok(checksumOffload === 'on' ? 'done by the device, and it works' : 'off for the tunnel')
  },
  clock: ({ clockAheadSeconds }) => {
    if (clockAheadSeconds === undefined) return unknown('no other clock to compare with', '')
    return Math.abs(clockAheadSeconds) > clockSkewSeconds
      ? warn(
          `another node's clock is ${Math.round(Math.abs(clockAheadSeconds))} s ${clockAheadSeconds > 0 ? 'ahead' : 'behind'}`,
          'run an NTP client on all nodes (chrony, systemd-timesyncd)',
        )
      : ok('as others have it')
  },
  subnets: ({ ranges, surroundings }) => {
    const problems = findOverlaps(ranges, surroundings)
    return problems.length === 0
      ? ok('ranges of pods and Services are nobody else’s')
      : problems.map((problem) => fail(problem, 'choose other ranges when the cluster is made'))
  },
  'resolv.conf': ({ nameservers, clusterDns }) =>
    nameservers.includes(clusterDns)
      ? fail(
          `/etc/resolv.conf names the cluster DNS itself (${clusterDns}): names outside would go round in circles`,
          'name the real servers with --upstream, or take the line out; "podway dns host-setup" does it right',
        )
      : ok('no loop'),
  conntrack: ({ connections }) => {
    if (!connections) return unknown('this kernel tracks no connections', 'modprobe nf_conntrack')
    const { count, max } = connections
    return max > 0 && count > max * conntrackShare
      ? fail(
          `${count} of ${counted(max, 'connection')} in use: new ones are dropped`,
          'sysctl -w net.netfilter.nf_conntrack_max=… or --conntrack-min, and look for what opens so many: conntrack -L',
        )
      : ok(`${count} of ${counted(max, 'connection')}`)
  },
  mtu: ({ mtu: { tunnel, underlay } }) => {
    if (tunnel === undefined) return unknown('there is no tunnel on this machine', '')
    return underlay !== undefined && tunnel > underlay - 50
      ? fail(
          `the tunnel's MTU ${tunnel} does not fit into ${underlay}`,
          'restart the agent: it takes the MTU of the device with the node address, less 50',
        )
      : ok(`${tunnel} in the tunnel`)
  },
  'pod links': ({ podLinks }) => {
    if (!podLinks) return unknown('there is no bridge for pods on this machine', 'is the agent running?')
    const damaged = podLinks.filter(({ faults }) => faults.length > 0)
    return damaged.length === 0
      ? ok(`${counted(podLinks.length, 'pod link')}, all as they were made`)
      : damaged.map(({ pod, faults }) =>
          fail(
            `${pod}: ${faults.join('; ')}`,
            'the agent puts it back within seconds: when it does not, its log says why; deleting the pod helps in any case',
          ),
        )
  },
  images: ({ ociProgram }) =>
    ociProgram === undefined
      ? warn(
          'no OCI runtime program: pods with an image cannot run',
          'install runc (or crun, where control groups are v2)',
        )
      : ok(`their containers are run by ${ociProgram}`),
  nodes: ({ peers, mtu: { tunnel } }) => {
    if (tunnel === undefined) return unknown('there is no tunnel on this machine', '')
    return peers.length === 0 ? ok('this node knows no other') : peers.map(peerFinding)
  },
}

/** What could not be looked at says why: what it would say else was not seen. */
const unseen = (why: string): Omit<Finding, 'check'> =>
  unknown(`could not look: ${why}`, /permission|permitted|root/i.test(why) ? 'run this as root' : '')

/** All that was looked at, in a fixed order. */
export const diagnose = (facts: MachineFacts): readonly Finding[] =>
  Object.entries(checks).flatMap(([check, look]) => {
    const why = facts.unreadable[check]
    return [why === undefined ? look(facts) : unseen(why)].flat().map((found) => ({ check, ...found }))
  })
