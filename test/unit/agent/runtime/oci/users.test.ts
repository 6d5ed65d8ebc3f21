import t from 'tap'
import { findUser, parseUser } from '../../../../../src/agent/runtime/oci/users.ts'

const passwd = [
  'root:x:0:0:root:/root:/bin/sh',
  '# a comment',
  '',
  'nginx:x:101:102:nginx:/nonexistent:/bin/false',
  '1000:x:2000:2001:a name that is a number:/:/bin/sh',
  'short:x',
  'negative:x:-1:0::/:',
  'huge:x:99999999999:0::/:',
  'nobody:x:65534:65534::/:',
].join('\n')
const group = [
  'root:x:0:',
  'www:x:102:',
  'adm:x:4:root,nginx',
  'wheel:x:10:root',
  'bad:x:x:nginx',
  'ssl:x:50:nginx',
].join('\n')
const files = { passwd, group }

const cases = {
  '': { uid: 0, gid: 0, groups: [4, 10] },
  root: { uid: 0, gid: 0, groups: [4, 10] },
  nginx: { uid: 101, gid: 102, groups: [4, 50] },
  '101': { uid: 101, gid: 102, groups: [4, 50] },
  'nginx:adm': { uid: 101, gid: 4, groups: [50] },
  'nginx:4': { uid: 101, gid: 4, groups: [50] },
  '1234': { uid: 1234, gid: 0, groups: [] },
  '1234:www': { uid: 1234, gid: 102, groups: [] },
  '1234:5678': { uid: 1234, gid: 5678, groups: [] },
  // A name comes before a number.
  '1000': { uid: 2000, gid: 2001, groups: [] },
  nobody: { uid: 65534, gid: 65534, groups: [] },
} as const

for (const [text, found] of Object.entries(cases))
  t.test(`user ${JSON.stringify(text)}`, async (t) => t.same(findUser(parseUser(text), files), found))

t.test('groups of the pod are added', async (t) => {
  t.same(findUser({ ...parseUser('nginx'), groups: [7, 50, 102] }, files).groups, [4, 7, 50])
})

t.test('an image without the files knows numbers only', async (t) => {
  const none = { passwd: '', group: '' }
  t.same(findUser(parseUser('5:6'), none), { uid: 5, gid: 6, groups: [] })
  t.same(findUser(parseUser(''), none), { uid: 0, gid: 0, groups: [] })
  for (const [text, message] of [
    ['nginx', /unable to find user nginx: no matching entries in passwd file/],
    ['0:www', /unable to find group www/],
    ['short', /unable to find user short/],
    ['-1', /unable to find user -1/],
    ['4294967295', /unable to find user 4294967295/],
  ] as const)
    t.throws(() => findUser(parseUser(text), none), { name: 'UnknownUser', message })
})

t.test('what is no entry is none', async (t) => {
  for (const name of ['short', 'negative', 'huge'])
    t.throws(() => findUser({ user: name }, files), { name: 'UnknownUser' })
})

t.test('files that were made to be read for ever are not', async (t) => {
  const long = `${'x:x:1:1::/:\n'.repeat(200_000)}late:x:9:9::/:\n`
  t.throws(() => findUser({ user: 'late' }, { passwd: long, group: '' }), { name: 'UnknownUser' })
})
