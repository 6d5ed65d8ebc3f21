import t from 'tap'
import { CommandError, type CommandRunner } from '../../../src/host/command.ts'
import { opensNothing } from '../../../src/host/fake-command.ts'
import { createIproute, line, lineWords, word } from '../../../src/host/iproute.ts'
import { attacks } from '../../support/hostile-objects.ts'

const failing = (stderr: string): CommandRunner => ({
  open: opensNothing,
  run: (file) => Promise.reject(new CommandError(file, 2, stderr)),
})

t.test('each value is one word of one line', async (t) => {
  t.equal(line`link set dev ${'eth0'} mtu ${1500}`, 'link set dev eth0 mtu 1500')
  t.equal(line`address add ${'10.0.0.1'}/${24} dev ${'eth0'}`, 'address add 10.0.0.1/24 dev eth0')
  t.equal(line`address add ${'::1'} dev lo ${['nodad', 'home']}`, 'address add ::1 dev lo nodad home')
  t.equal(line`route add ${[]} default`, 'route add default')
  t.equal(line`route add default ${[]}`, 'route add default')
  t.same(lineWords(line`qdisc replace dev ${'eth0'} root`), ['qdisc', 'replace', 'dev', 'eth0', 'root'])
  for (const [name, attack] of Object.entries(attacks)) {
    const text = attack('eth0')
    if (/^[^\s"'\\#;\0]+$/.test(text)) t.same(lineWords(line`link set ${text} up`), ['link', 'set', text, 'up'], name)
    else t.throws(() => line`link set ${text} up`, RangeError, name)
  }
  t.equal(word('0b5c1f-uid'), '0b5c1f-uid')
  for (const text of ['', 'a b', 'a\tb', 'a;b', "a'b", 'a\nb', 'a#b', 'a\0b']) t.throws(() => word(text), RangeError)
  const text: string = 'link del eth0'
  // @ts-expect-error: a text is not a line
  await t.rejects(createIproute(failing('')).ip([text]), CommandError)
})

t.test('a batch stops at the first failure, or does what can be done and tells the rest', async (t) => {
  const given: unknown[] = []
  const runner: CommandRunner = {
    open: opensNothing,
    run: async (file, args, input) => {
      given.push([file, ...args, input])
      return ''
    },
  }
  const { ip, each } = createIproute(runner)
  const lines = [line`link set lo up`, line`route add 10.0.0.0/8 via 192.0.2.1`]
  const text = 'link set lo up\nroute add 10.0.0.0/8 via 192.0.2.1\n'
  await ip(lines)
  t.same(await each('bridge', lines), [])
  await ip([])
  t.same(await each('ip', []), [])
  t.same(given, [
    ['ip', '-batch', '-', text],
    ['bridge', '-force', '-batch', '-', text],
  ])
  const said = 'Error: Nexthop has invalid gateway.\nCommand failed -:2\n'
  t.same(await createIproute(failing(said)).each('ip', lines), [
    'route add 10.0.0.0/8 via 192.0.2.1: Error: Nexthop has invalid gateway.',
  ])
  await t.rejects(createIproute(failing('ip: not found')).each('ip', lines), CommandError, 'nothing was done')
})
