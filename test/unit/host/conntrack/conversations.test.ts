import t from 'tap'
import { CommandError, type CommandRunner } from '../../../../src/host/command.ts'
import {
  type Conversation,
  createConversations,
  parseConversation,
  parseConversations,
} from '../../../../src/host/conntrack/conversations.ts'
import { opensNothing } from '../../../../src/host/fake-command.ts'

const lines: readonly (readonly [string, string, Conversation | undefined])[] = [
  [
    'TCP, translated on the way there and masqueraded',
    'tcp      6 431999 ESTABLISHED src=10.1.0.9 dst=10.96.0.1 sport=4444 dport=80 src=10.1.0.2 dst=192.0.2.1 sport=8080 dport=999 [ASSURED] mark=0 use=1',
    { protocol: 'tcp', source: '10.1.0.9', destination: '10.1.0.2', port: 8080 },
  ],
  [
    'UDP over IPv6, with counters',
    'udp      17 5 src=fd00::9 dst=fd00:96::a sport=1 dport=53 packets=1 bytes=60 [UNREPLIED] src=fd00::2 dst=fd00::9 sport=53 dport=1 packets=0 bytes=0 mark=0 use=1',
    { protocol: 'udp', source: 'fd00::9', destination: 'fd00::2', port: 53 },
  ],
  [
    'SCTP',
    'sctp     132 99 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=4 dport=5 src=10.0.0.2 dst=10.0.0.1 sport=5 dport=4 mark=0 use=1',
    { protocol: 'sctp', source: '10.0.0.1', destination: '10.0.0.2', port: 5 },
  ],
  [
    'ICMP has no ports',
    'icmp     1 99 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=7 src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=7 mark=0 use=1',
    { protocol: 'icmp', source: '10.0.0.1', destination: '10.0.0.2', port: undefined },
  ],
  [
    'a protocol that the program does not know',
    'unknown  50 599 src=10.0.0.1 dst=10.0.0.2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 mark=0 use=1',
    { protocol: '50', source: '10.0.0.1', destination: '10.0.0.2', port: undefined },
  ],
  ['no address', 'tcp      6 1 LISTEN src=a dst=b sport=1 dport=2 src=c dst=d sport=2 dport=1', undefined],
  ['no ports', 'tcp      6 1 CLOSE src=10.0.0.1 dst=10.0.0.2 src=10.0.0.2 dst=10.0.0.1 mark=0', undefined],
  ['nothing', '', undefined],
]

for (const [name, line, wanted] of lines) t.test(name, async (t) => t.same(parseConversation(line), wanted))

t.test('connections that no rule can tell apart are one', async (t) => {
  const line = (port: number, to: string) =>
    `tcp 6 9 ESTABLISHED src=10.0.0.1 dst=${to} sport=${port} dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=${port} use=1`
  t.equal(parseConversations([line(1, '10.0.0.2'), line(2, '10.96.0.1'), ''].join('\n')).length, 1)
})

t.test('the program is asked for exactly what is meant', async (t) => {
  const calls: string[] = []
  let answers = 2
  const runner: CommandRunner = {
    open: opensNothing,
    run: async (file, args) => {
      calls.push([file, ...args].join(' '))
      if (args.includes('-L')) return `${lines[0]?.[1]}\n`
      if (args.includes('icmp') || (args.includes('--orig-port-src') && answers-- === 0))
        throw new CommandError('conntrack', 1, '0 flow entries have been deleted.')
      return `${lines[0]?.[1]}\n`
    },
  }
  const conversations = createConversations(runner, 'IPv4')
  const [found] = await conversations.list()
  if (!found) return t.fail('not found')
  t.equal(await conversations.forget(found), 1)
  t.equal(await conversations.forget({ ...found, protocol: 'icmp', port: undefined }), 0, 'none any more')
  t.equal(await conversations.forget({ ...found, protocol: 'udp' }), 1)
  const answered = 'conntrack -D -f ipv4 -p udp --orig-src 10.1.0.2 --orig-port-src 8080 --reply-src 10.1.0.9'
  t.same(calls, [
    'conntrack -L -f ipv4',
    'conntrack -D -f ipv4 -p tcp --orig-src 10.1.0.9 --reply-src 10.1.0.2 --reply-port-src 8080',
    'conntrack -D -f ipv4 -p icmp --orig-src 10.1.0.9 --reply-src 10.1.0.2',
    'conntrack -D -f ipv4 -p udp --orig-src 10.1.0.9 --reply-src 10.1.0.2 --reply-port-src 8080',
    ...[answered, answered, answered],
  ])
})
