import t from 'tap'
import {
  capabilitiesIn,
  changedCapabilities,
  usualCapabilities,
} from '../../../../src/agent/runtime/linux-capabilities.ts'

t.test('sets as the kernel shows them', async (t) => {
  t.same(capabilitiesIn('0000000000000000'), [])
  t.same(capabilitiesIn('0000000000000001'), ['chown'])
  t.same(capabilitiesIn('0000000000001400'), ['net_bind_service', 'net_admin'])
  t.same(capabilitiesIn('0000010000000000'), ['checkpoint_restore'])
  t.equal(capabilitiesIn('000001ffffffffff').length, 41)
  t.equal(capabilitiesIn('ffffffffffffffff').length, 41, 'of a kernel that has more')
})

t.test('nothing changed is nothing said', async (t) => {
  t.equal(changedCapabilities({}), undefined)
  t.equal(changedCapabilities({ add: [], drop: [] }), undefined)
})

t.test('added and dropped, however they are written', async (t) => {
  const usual = [...usualCapabilities].sort()
  t.same(changedCapabilities({ add: ['NET_ADMIN'] }), [...usual, 'net_admin'].sort())
  t.same(changedCapabilities({ add: ['cap_net_admin', 'CAP_CHOWN'] }), [...usual, 'net_admin'].sort())
  t.same(
    changedCapabilities({ drop: ['CHOWN', 'net_raw', 'SYS_ADMIN'] }),
    usual.filter((name) => name !== 'chown' && name !== 'net_raw'),
  )
  t.same(changedCapabilities({ drop: ['ALL'] }), [])
  t.same(changedCapabilities({ drop: ['ALL'], add: ['NET_BIND_SERVICE'] }), ['net_bind_service'])
  t.same(changedCapabilities({ add: ['all'] })?.length, 41)
  t.notOk(changedCapabilities({ add: ['ALL'], drop: ['SYS_MODULE'] })?.includes('sys_module'))
})

t.test('where both are asked for, less is given', async (t) => {
  t.same(changedCapabilities({ add: ['ALL'], drop: ['ALL'] }), [])
  t.same(changedCapabilities({ add: ['ALL', 'KILL'], drop: ['ALL'] }), ['kill'])
  t.same(changedCapabilities({ add: ['KILL'], drop: ['ALL', 'KILL'] }), [])
  t.notOk(changedCapabilities({ add: ['NET_ADMIN'], drop: ['NET_ADMIN'] })?.includes('net_admin'))
})

t.test('what is none is refused, and never left out in silence', async (t) => {
  for (const name of ['NET_ADMINS', '', 'CAP_', 'constructor', 'CAP_CAP_KILL']) {
    t.throws(() => changedCapabilities({ add: [name] }), RangeError, name)
    t.throws(() => changedCapabilities({ drop: [name] }), RangeError, name)
  }
})
