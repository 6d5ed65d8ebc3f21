import t from 'tap'
import type { CommandRunner } from '../../../src/host/command.ts'
import { opensNothing } from '../../../src/host/fake-command.ts'
import { createIproute, word } from '../../../src/host/iproute.ts'

t.test('what would be more than one line, or word, does not reach iproute2', async (t) => {
  const given: (string | undefined)[] = []
  const runner: CommandRunner = {
    open: opensNothing,
    run: async (_file, _args, input) => {
      given.push(await input)
      return ''
    },
  }
  const { ip, bridge } = createIproute(runner)
  await ip(['link set lo up', 'route add 10.0.0.0/8 via 192.0.2.1'])
  await t.rejects(ip(['link set lo up', 'link set a\nlink del b']), RangeError)
  await t.rejects(bridge(['fdb add "a b"']), RangeError)
  await t.rejects(ip(['link set a # b']), RangeError)
  t.same(given, ['link set lo up\nroute add 10.0.0.0/8 via 192.0.2.1\n'])
  t.equal(word('0b5c1f-uid'), '0b5c1f-uid')
  for (const text of ['', 'a b', 'a\tb', 'a;b', "a'b"]) t.throws(() => word(text), RangeError)
})
