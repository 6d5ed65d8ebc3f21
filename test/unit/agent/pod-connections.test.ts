/** What is forgotten with a pod. */
import t from 'tap'
import { createPodConnections } from '../../../src/agent/pod-connections.ts'
import { CommandError, type CommandRunner } from '../../../src/host/command.ts'
import { opensNothing } from '../../../src/host/fake-command.ts'
import { recordingLog } from '../../support/recording-log.ts'

const open = (fail: (args: string) => Error | undefined = () => undefined) => {
  const calls: string[] = []
  const runner: CommandRunner = {
    open: opensNothing,
    run: async (_file, args) => {
      const text = args.join(' ')
      calls.push(text)
      const error = fail(text)
      if (error) throw error
      return ''
    },
  }
  const { log, messages } = recordingLog()
  const connections = createPodConnections({
    ...{ families: ['IPv4', 'IPv6'], runner, log, ownAddresses: () => new Set(['192.0.2.1', '127.0.0.1']) },
  })
  return { calls, messages, connections }
}
const missing = () => new CommandError('conntrack -D', undefined, 'spawn conntrack ENOENT')

t.test('all connections of its addresses, each in its family', async (t) => {
  const { calls, messages, connections } = open()
  await connections.forgetAddresses(['10.1.0.2', 'fd00::2'])
  t.equal(calls.length, 6)
  t.equal(calls.filter((call) => /-f ipv4 .*10\.1\.0\.2/.test(call)).length, 3, calls.join('\n'))
  t.equal(calls.filter((call) => /-f ipv6 .*fd00::2/.test(call)).length, 3)
  t.same(messages, [])
})

t.test('what cannot be forgotten is told, and the rest is forgotten', async (t) => {
  const { calls, messages, connections } = open((call) =>
    call.includes('10.1.0.2') ? new CommandError('conntrack -D', 1, 'Operation failed') : undefined,
  )
  for (let time = 0; time < 2; time++) await connections.forgetAddresses(['10.1.0.2', '10.1.0.3'])
  t.equal(calls.filter((call) => call.includes('10.1.0.3')).length, 6)
  t.equal(messages.filter((text) => /cannot delete conntrack entries/.test(text)).length, 2, 'each time')
})

t.test('that the program is missing is told once', async (t) => {
  const { messages, connections } = open(missing)
  for (let time = 0; time < 3; time++) await connections.forgetAddresses(['10.1.0.2'])
  t.equal(messages.filter((text) => /install conntrack/.test(text)).length, 1)
})
