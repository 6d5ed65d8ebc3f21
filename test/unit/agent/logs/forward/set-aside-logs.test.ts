import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { createSetAsideLogs } from '../../../../../src/agent/logs/forward/set-aside-logs.ts'

const setUp = (t: Test, maxBytes = 1e9) => {
  const folder = mkdtempSync(join(tmpdir(), 'pw-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const logDir = join(folder, 'logs')
  const write = (key: string, content = 'x', age = 0): void => {
    const file = join(logDir, key)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
    utimesSync(file, Date.now() / 1000 - age, Date.now() / 1000 - age)
  }
  const aside = createSetAsideLogs(logDir, join(folder, 'aside'), maxBytes)
  const keys = async () => (await aside.list()).map(({ key }) => key).sort()
  return { folder, logDir, write, aside, keys }
}

const lostNothing = async (): Promise<void> => {
  throw new Error('nothing is lost')
}

t.test('files and folders, and what belongs to a log', async (t) => {
  const { logDir, folder, write, aside, keys } = setUp(t)
  for (const name of ['0.log', '0.log.index', '0.log.0-10', '1.log']) write(`default_web_u1/main/${name}`)
  await aside.take(join(logDir, 'default_web_u1/main/0.log'))
  await aside.take(join(logDir, 'default_web_u1/main/0.log.index'))
  await aside.take(join(logDir, 'default_web_u1'))
  await aside.take(join(logDir, 'default_web_u1'))
  t.same(await keys(), ['default_web_u1/main/0.log', 'default_web_u1/main/1.log'])
  t.notOk(existsSync(join(logDir, 'default_web_u1')))
  t.same(readdirSync(join(folder, 'aside/default_web_u1/main')).sort(), ['0.log', '0.log.0-10', '0.log.index', '1.log'])
})

t.test('what nobody waits for goes, with all that belongs to it', async (t) => {
  const { logDir, folder, write, aside, keys } = setUp(t)
  for (const name of ['0.log', '0.log.index', '0.log.0-10']) write(`default_web_u1/main/${name}`)
  write('default_db_u2/main/0.log')
  await aside.take(join(logDir, 'default_web_u1'))
  await aside.take(join(logDir, 'default_db_u2'))
  await aside.sweep(async ({ key }) => key.includes('db'), lostNothing)
  t.same(await keys(), ['default_db_u2/main/0.log'])
  t.notOk(existsSync(join(folder, 'aside/default_web_u1')))
})

t.test('the oldest go when all are too much, and that is told before', async (t) => {
  const { logDir, write, aside, keys } = setUp(t, 30_000)
  const ages = { a: 30, b: 90, c: 60 }
  for (const [pod, age] of Object.entries(ages)) {
    write(`default_${pod}_u/main/0.log`, 'x'.repeat(16_000), age)
    await aside.take(join(logDir, `default_${pod}_u`))
  }
  const lost: string[] = []
  await aside.sweep(
    async () => true,
    async ({ key, file }) => void lost.push(`${key} ${existsSync(file)}`),
  )
  t.same(lost, ['default_b_u/main/0.log true', 'default_c_u/main/0.log true'])
  t.same(await keys(), ['default_a_u/main/0.log'])
})

t.test('names that are no logs are left alone', async (t) => {
  const { folder, aside } = setUp(t)
  mkdirSync(join(folder, 'aside/a_b'), { recursive: true })
  writeFileSync(join(folder, 'aside/file'), '')
  writeFileSync(join(folder, 'aside/a_b/file'), '')
  t.same(await aside.list(), [])
})
