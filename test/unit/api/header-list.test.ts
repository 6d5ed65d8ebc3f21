import t from 'tap'
import { membersOf } from '../../../src/api/header-list.ts'

t.test('members stand between commas, without the white space around them', (t) => {
  t.same(membersOf(' keep-alive ,Upgrade,\t, x y '), ['keep-alive', 'Upgrade', 'x y'])
  t.same(membersOf(' , '), [])
  t.end()
})
