import t from 'tap'
import { CommandError } from '../../../src/host/command.ts'
import { createFakeCommandRunner } from '../../../src/host/fake-command.ts'
import { silentLogger } from '../../../src/host/log.ts'
import { probeOffload } from '../../../src/overlay/offload.ts'

const peer = (at: number) => ({
  ...{ name: `n${at}`, address: `172.30.0.1${at}`, podCIDRs: [`10.244.${at}.0/24`] },
  ...{ vtepMac: '02:00:00:00:00:02', publicKey: undefined },
})
const ethtool = (state: string) => `ethtool -K podway.1 tx-checksum-ip-generic ${state}`

/** `through`: whether the tunnel works while checksums are computed by the device, and when they are not. */
const run = async (
  direct: readonly string[],
  through: { readonly on: boolean; readonly off: boolean },
  fails?: CommandError,
) => {
  let state: 'on' | 'off' = 'on'
  const change = (to: 'on' | 'off') => () => {
    state = to
    return ''
  }
  const runner = createFakeCommandRunner({ [ethtool('off')]: fails ?? change('off'), [ethtool('on')]: change('on') })
  const answers = async (address: string) => (address.startsWith('10.') ? through[state] : direct.includes(address))
  const outcome = await probeOffload({ runner, device: 'podway.1', answers, log: silentLogger }, [peer(1), peer(2)])
  return { outcome, calls: runner.calls, state }
}

t.test('a tunnel that works is left alone', async (t) => {
  t.same(await run(['172.30.0.11'], { on: true, off: true }), { outcome: 'fine', calls: [], state: 'on' })
})

t.test('checksums that the device gets wrong are computed by the kernel', async (t) => {
  t.match(await run(['172.30.0.12'], { on: false, off: true }), {
    outcome: 'cured',
    calls: [ethtool('off')],
    state: 'off',
  })
})

t.test('when it is something else, all is as before', async (t) => {
  t.match(await run(['172.30.0.11'], { on: false, off: false }), {
    ...{ outcome: 'other', state: 'on' },
    calls: [ethtool('off'), ethtool('on')],
  })
})

t.test('who does not answer at all says nothing; without ethtool nothing is changed', async (t) => {
  t.match(await run([], { on: false, off: false }), { outcome: 'nobody', calls: [] })
  const missing = new CommandError('ethtool', undefined, 'spawn ethtool ENOENT')
  t.match(await run(['172.30.0.11'], { on: false, off: true }, missing), { outcome: 'other', state: 'on' })
})
