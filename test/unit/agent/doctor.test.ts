import t from 'tap'
import { diagnose } from '../../../src/agent/doctor/checks.ts'
import type { MachineFacts } from '../../../src/agent/doctor/facts.ts'
import { parseSave } from '../../../src/host/netfilter/tables.ts'

const forward = (policy: string, ...rules: readonly string[]) => {
  const text = [`:FORWARD ${policy} [0:0]`, ...rules.map((rule) => `-A FORWARD ${rule}`)].join('\n')
  return { forward: parseSave(text).get('FORWARD') }
}

const peer = {
  ...{ address: '172.30.0.12', tunnelAddress: '10.244.2.0' },
  ...{ answersDirectly: true, answersInTunnel: true, takesLargePackets: true },
}

const healthy: MachineFacts = {
  unreadable: {},
  ...{ ipForward: '1', strictReversePath: [], bridgeCallsIptables: '0', ruleStoresMixed: false, hasFirewalld: false },
  ...forward('ACCEPT', '-j PODWAY-GUARD', '-j PODWAY-FORWARD'),
  ...{ checksumOffload: 'on', mtu: { tunnel: 1450, underlay: 1500 }, clockAheadSeconds: 0.2 },
  ranges: [
    { name: '--cluster-cidr', cidr: '10.244.0.0/16' },
    { name: '--service-cidr', cidr: '10.96.0.0/16' },
  ],
  surroundings: { routes: [{ destination: '172.30.0.0/24', device: 'eth0' }], resolvers: ['172.30.0.1'] },
  ...{ clusterDns: '10.96.0.10', nameservers: ['172.30.0.1'], connections: { count: 10, max: 1000 }, peers: [peer] },
  podLinks: [{ pod: 'default/web', faults: [] }],
  ociProgram: 'runc',
}

t.test('a healthy node', async (t) => {
  const findings = diagnose(healthy)
  t.same(
    findings.filter(({ verdict }) => verdict !== 'ok'),
    [],
  )
  t.ok(findings.length >= 13)
})

const faults: readonly (readonly [string, Partial<MachineFacts>, string, RegExp, RegExp])[] = [
  ['ip_forward', { ipForward: '0' }, 'fail', /forwards no packets/, /sysctl -w net\.ipv4\.ip_forward=1/],
  [
    'pod links',
    { podLinks: [{ pod: 'default/web', faults: ['its link is gone', 'eth0 is gone'] }] },
    ...(['fail', /default\/web: its link is gone; eth0 is gone/, /its log says why/] as const),
  ],
  ['pod links', { podLinks: undefined }, 'unknown', /no bridge/, /agent running/],
  ['images', { ociProgram: undefined }, 'warn', /pods with an image cannot run/, /install runc/],
  ['rp_filter', { strictReversePath: ['podway.1'] }, 'warn', /podway\.1/, /rp_filter=2/],
  ['rule stores', { ruleStoresMixed: true }, 'warn', /both/, /update-alternatives/],
  [
    ...(['FORWARD', forward('DROP', '-j DOCKER-USER')] as const),
    ...(['fail', /policy of FORWARD is DROP/, /FORWARD ACCEPT/] as const),
  ],
  [
    'FORWARD',
    forward(
      'ACCEPT',
      '-m conntrack --ctstate ESTABLISHED -j ACCEPT',
      '-j REJECT --reject-with icmp-host-prohibited',
      '-j PODWAY-FORWARD',
    ),
    'fail',
    /rule 2 of FORWARD/,
    /PODWAY-FORWARD/,
  ],
  ['firewalld', { hasFirewalld: true }, 'warn', /firewalld/, /--add-interface=podway0/],
  ['checksum offload', { peers: [{ ...peer, answersInTunnel: false }] }, 'warn', /checksums/, /ethtool -K podway\.1/],
  ['clock', { clockAheadSeconds: 90 }, 'warn', /90 s ahead/, /NTP/],
  ['clock', { clockAheadSeconds: -30 }, 'warn', /30 s behind/, /NTP/],
  [
    'subnets',
    { surroundings: { routes: [{ destination: '10.244.0.0/16', device: 'vpn0' }], resolvers: [] } },
    ...(['fail', /route to 10\.244\.0\.0\/16 by vpn0; .* is free/, /other ranges/] as const),
  ],
  ['resolv.conf', { nameservers: ['10.96.0.10'] }, 'fail', /round in circles/, /--upstream/],
  ['conntrack', { connections: { count: 950, max: 1000 } }, 'fail', /950 of 1000/, /conntrack/],
  ['mtu', { mtu: { tunnel: 1500, underlay: 1500 } }, 'fail', /does not fit/, /restart/],
  ['nodes', { peers: [{ ...peer, answersInTunnel: false }] }, 'fail', /not through the tunnel/, /8472/],
  ['nodes', { peers: [{ ...peer, answersDirectly: false }] }, 'fail', /does not answer/, /agent/],
  ['nodes', { peers: [{ ...peer, takesLargePackets: false }] }, 'fail', /full size/, /mtu/i],
]

for (const [check, fault, verdict, message, cure] of faults)
  t.test(`${check}: ${message.source}`, async (t) => {
    const found = diagnose({ ...healthy, ...fault }).find((each) => each.check === check && each.verdict !== 'ok')
    t.match(found, { verdict, message, cure })
  })

t.test('what cannot be looked at is not called well', async (t) => {
  const blind = { checksumOffload: undefined, clockAheadSeconds: undefined, connections: undefined, forward: undefined }
  const findings = diagnose({ ...healthy, ...blind, mtu: { tunnel: undefined, underlay: undefined } })
  for (const check of ['checksum offload', 'clock', 'conntrack', 'FORWARD', 'mtu', 'nodes'])
    t.equal(findings.find((each) => each.check === check)?.verdict, 'unknown', check)
})

t.test('what may not be looked at says why, and claims nothing', async (t) => {
  const unreadable = {
    firewalld: 'Operation not permitted (you must be root)',
    clock: 'forbidden: leases is forbidden: User "a" cannot list; it needs the right to list leases',
  }
  const found = new Map(diagnose({ ...healthy, unreadable }).map((finding) => [finding.check, finding]))
  t.match(found.get('firewalld'), {
    verdict: 'unknown',
    message: /could not look: .*not permitted/,
    cure: 'run this as root',
  })
  t.match(found.get('clock'), {
    verdict: 'unknown',
    message: /could not look: forbidden: .*right to list leases/,
    cure: '',
  })
  t.match(found.get('FORWARD'), { verdict: 'ok' })
})
