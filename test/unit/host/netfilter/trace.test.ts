import t from 'tap'
import { parseSave } from '../../../../src/host/netfilter/tables.ts'
import { tracePacket } from '../../../../src/host/netfilter/trace.ts'

const host = { addresses: ['192.0.2.1', 'fd00::1'] }

const nat = parseSave(`*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:WEB - [0:0]
:HALF - [0:0]
:MASQ - [0:0]
-A PREROUTING -m comment --comment "all of them" -j WEB
-A PREROUTING -d 203.0.113.0/26 -j DNAT --to-destination 10.1.0.99
-A OUTPUT -j WEB
-A POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A POSTROUTING -j MASQUERADE --random-fully
-A WEB ! -s 10.1.0.0/24 -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j MARK --set-xmark 0x4000/0x4000
-A WEB -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -g HALF
-A WEB -p udp -m udp --dport 50:60 -m addrtype --dst-type LOCAL -j DNAT --to-destination 10.1.0.4:53
-A WEB -d 203.0.113.9/32 -g MASQ
-A HALF -m recent --rcheck --seconds 60 --reap --name A --mask 255.255.255.255 --rsource -j DNAT --to-destination 10.1.0.2:8080
-A HALF -p tcp -m statistic --mode nth --every 2 --packet 0 -j DNAT --to-destination 10.1.0.2:8080
-A HALF -p tcp -j DNAT --to-destination 10.1.0.3:8080
-A MASQ -j RETURN
COMMIT
`)

const filter = parseSave(`*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 25 -j REJECT --reject-with tcp-reset
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT
-A FORWARD -d 198.51.100.0/24 -j ACCEPT
-A FORWARD -d 203.0.113.77/32 -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j REJECT
-A FORWARD -d 203.0.113.77/32 -p tcp -m tcp --tcp-flags SYN,RST RST -j REJECT
-A FORWARD -d 203.0.113.77/32 -p tcp -m tcp --tcp-flags SYN,RST SYN -j ACCEPT
`)

const tables = { nat, filter }

const ends = (packet: Parameters<typeof tracePacket>[1]): readonly string[] =>
  tracePacket(tables, packet, host).map(
    ({ verdict, to, port, masqueraded }) => `${verdict} ${to}:${port}${masqueraded ? ' masqueraded' : ''}`,
  )

const flows = [
  {
    name: 'a counter may send it either way',
    packet: { from: '10.1.0.7', to: '10.96.0.1', port: 80 },
    lands: ['accept 10.1.0.2:8080', 'accept 10.1.0.3:8080'],
  },
  {
    name: 'a mark becomes a masquerade',
    packet: { from: '172.16.0.1', to: '10.96.0.1', port: 80 },
    lands: ['accept 10.1.0.2:8080 masqueraded', 'accept 10.1.0.3:8080 masqueraded'],
  },
  {
    name: 'a process of the machine goes through OUTPUT',
    packet: { from: '192.0.2.1', to: '10.96.0.1', port: 80, origin: 'process' as const },
    lands: ['accept 10.1.0.2:8080 masqueraded', 'accept 10.1.0.3:8080 masqueraded'],
  },
  {
    name: 'another port matches nothing, and the policy decides',
    packet: { from: '10.1.0.7', to: '10.96.0.1', port: 81 },
    lands: ['drop 10.96.0.1:81'],
  },
  {
    name: 'a port range at a local address',
    packet: { from: '10.1.0.7', to: '192.0.2.1', port: 55, protocol: 'udp' as const },
    lands: ['accept 10.1.0.4:53'],
  },
  {
    name: 'the same range elsewhere',
    packet: { from: '10.1.0.7', to: '192.0.2.2', port: 55, protocol: 'udp' as const },
    lands: ['drop 192.0.2.2:55'],
  },
  {
    name: 'a destination without a port keeps the port',
    packet: { from: '10.1.0.7', to: '203.0.113.8', port: 22 },
    lands: ['accept 10.1.0.99:22'],
  },
  {
    name: 'a chain entered by goto returns past its caller',
    packet: { from: '10.1.0.7', to: '203.0.113.9', port: 22 },
    lands: ['accept 10.1.0.99:22'],
  },
  {
    name: 'a first packet bears SYN alone',
    packet: { from: '10.1.0.7', to: '203.0.113.77', port: 22 },
    lands: ['accept 203.0.113.77:22'],
  },
  {
    name: 'a refusal at the machine itself',
    packet: { from: '10.1.0.7', to: '192.0.2.1', port: 25 },
    lands: ['reject 192.0.2.1:25'],
  },
  {
    name: 'a process that speaks to its own machine meets INPUT as well',
    packet: { from: '127.0.0.1', to: '127.0.0.1', port: 25, origin: 'process' as const },
    lands: ['reject 127.0.0.1:25'],
  },
]

for (const { name, packet, lands } of flows) t.test(name, async (t) => t.same(ends(packet), lands))

t.test('counts the rules and names the chains of the longest way', async (t) => {
  const [landing] = tracePacket(tables, { from: '10.1.0.7', to: '10.96.0.1', port: 80 }, host)
  t.equal(landing?.rules, 1 + 2 + 2 + 2 + 1, 'PREROUTING, WEB, HALF up to the counter, FORWARD, POSTROUTING')
  t.same(landing?.chains, ['nat PREROUTING', 'nat WEB', 'nat HALF', 'filter FORWARD', 'nat POSTROUTING'])
})

t.test('never guesses', async (t) => {
  const trace = (rule: string) => () =>
    tracePacket(
      { nat: parseSave(`*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING ${rule}\n`) },
      { from: '10.1.0.1', to: '10.1.0.2', port: 1 },
      host,
    )
  t.throws(trace('-m owner --uid-owner 0 -j ACCEPT'), { message: /the match "owner"/ })
  t.throws(trace('-f -j ACCEPT'), { message: /the condition -f/ })
  t.throws(trace('-j TPROXY --on-port 1'), { message: /the target of: -j TPROXY/ })
  t.throws(trace('-m addrtype --dst-type BROADCAST -j ACCEPT'), { message: /BROADCAST/ })
})

t.test('IPv6 and refuses endless jumps', async (t) => {
  const six = parseSave(`*nat
:PREROUTING ACCEPT [0:0]
:LOOP - [0:0]
-A PREROUTING -d fd00:96::1/128 -j DNAT --to-destination [fd00:1::2]:80
-A PREROUTING -d fd00::1/128 -j LOOP
-A LOOP -j LOOP
`)
  const [landing] = tracePacket({ nat: six }, { from: 'fd00:1::9', to: 'fd00:96::1', port: 8 }, host)
  t.match(landing, { to: 'fd00:1::2', port: 80, verdict: 'accept', masqueraded: false })
  t.throws(() => tracePacket({ nat: six }, { from: 'fd00:1::9', to: 'fd00::1', port: 8 }, host), { message: /deeper/ })
})
