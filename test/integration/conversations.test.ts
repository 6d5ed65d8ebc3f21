/** The program `conntrack` forgets what it is told to, and nothing else, in both families. */
import t from 'tap'
import { createCommandRunner } from '../../src/host/command.ts'
import { type Conversation, createConversations } from '../../src/host/conntrack/conversations.ts'

const runner = createCommandRunner()

const insert = async (protocol: string, from: string, fromPort: number, to: string, port: number): Promise<void> => {
  const state = protocol === 'udp' ? [] : ['--state', 'ESTABLISHED']
  const tags = protocol === 'sctp' ? ['--orig-vtag', '1', '--reply-vtag', '2'] : []
  const ends = ['-s', from, '-d', to, '--sport', String(fromPort), '--dport', String(port)]
  await runner.run('conntrack', ['-I', '-p', protocol, ...ends, ...state, ...tags, '-t', '600'])
}

for (const [family, client, server, other] of [
  ['IPv4', '10.1.0.2', '10.1.0.3', '10.1.0.4'],
  ['IPv6', 'fd00::2', 'fd00::3', 'fd00::4'],
] as const)
  t.test(family, async (t) => {
    const { list, forget } = createConversations(runner, family)
    const seen = async () =>
      (await list()).map(({ protocol, source, destination, port }) => `${protocol} ${source} ${destination} ${port}`)
    for (const protocol of ['tcp', 'udp', 'sctp'])
      await t.test(protocol, async (t) => {
        await insert(protocol, client, 1001, server, 80)
        await insert(protocol, client, 1002, server, 80)
        await insert(protocol, client, 1003, server, 81)
        await insert(protocol, client, 1004, other, 80)
        await insert(protocol, other, 1005, server, 80)
        const meant: Conversation = { protocol, source: client, destination: server, port: 80 }
        const others = [`${client} ${server} 81`, `${client} ${other} 80`, `${other} ${server} 80`]
        const left = others.map((each) => `${protocol} ${each}`).sort()
        t.same((await seen()).sort(), [...left, `${protocol} ${client} ${server} 80`].sort())
        t.equal(await forget(meant), 2)
        t.same((await seen()).sort(), left)
        t.equal(await forget(meant), 0, 'nothing is left of it')

        // An answer that was on its way: to the kernel it begins a connection to the client.
        await insert(protocol, client, 1006, server, 80)
        await insert(protocol, server, 82, client, 1008)
        if (protocol !== 'tcp') await insert(protocol, server, 80, client, 1007)
        t.equal(await forget(meant), 1)
        t.same(
          (await seen()).sort(),
          [...left, `${protocol} ${server} ${client} 1008`].sort(),
          'the answer is forgotten',
        )
        await runner.run('conntrack', ['-F'])
      })
  })

t.test('ICMP, which has no ports', async (t) => {
  const { list, forget } = createConversations(runner, 'IPv4')
  const echo = ['-p', 'icmp', '--icmp-type', '8', '--icmp-code', '0', '--icmp-id', '7', '-t', '600']
  await runner.run('conntrack', ['-I', '-s', '10.1.0.2', '-d', '10.1.0.3', ...echo])
  await insert('tcp', '10.1.0.2', 1001, '10.1.0.3', 80)
  t.equal(await forget({ protocol: 'icmp', source: '10.1.0.2', destination: '10.1.0.3', port: undefined }), 1)
  t.match(await list(), [{ protocol: 'tcp', port: 80 }])
  await runner.run('conntrack', ['-F'])
})
