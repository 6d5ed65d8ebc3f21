/** The copy of /etc that pods see. */
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createSettings } from '../../src/agent/runtime/process/settings.ts'
import { systemClock } from '../../src/api/clock.ts'

/** Everything below a folder but links. */
const below = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => !lstatSync(path).isSymbolicLink())

t.test('what everybody may read, and nothing else', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  let now = Date.now()
  let mounted = ''
  const clock = { ...systemClock, now: () => now }
  const settings = createSettings({ folder, mounted: async () => mounted, clock })
  const first = await settings()
  t.ok(existsSync(join(first, 'passwd')))
  for (const name of ['shadow', 'gshadow', 'ssl/private']) t.notOk(existsSync(join(first, name)), name)
  t.same(
    below(first).filter((path) => (statSync(path).mode & 0o004) === 0),
    [],
  )
  t.ok(lstatSync(join(first, 'resolv.conf')).isFile(), 'no link that leads nowhere in a pod')
  t.equal(readFileSync(join(first, 'hosts'), 'utf8'), readFileSync('/etc/hosts', 'utf8'))

  t.equal(await settings(), first, 'the same again')
  mounted = `${first} /root/etc none rbind,ro 0 0`
  now += 600_000
  const second = await settings()
  t.not(second, first)
  t.ok(existsSync(first), 'a pod has it mounted')
  mounted = ''
  now += 600_000
  const third = await settings()
  t.same(readdirSync(folder), [third.slice(folder.length + 1)], 'those that nobody has mounted are gone')
})
