import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  makeLogFile,
  podLogDir,
  removeEndedLogs,
  removeLogsBefore,
  removeOtherLogs,
} from '../../../../src/agent/logs/paths.ts'

const discard = (path: string): Promise<void> => rm(path, { recursive: true })
const web = { namespace: 'default', name: 'web', id: 'u1' }

t.test('a file for each instance, of which the old ones go', async (t) => {
  const logDir = t.testdir()
  const files = []
  for (const attempt of [0, 1, 2]) {
    const file = await makeLogFile(logDir, web, 'main', attempt)
    t.equal(file, join(logDir, 'default_web_u1/main', `${attempt}.log`))
    for (const name of [file, `${file}.index`, `${file}.0-10`]) writeFileSync(name, '')
    files.push(file)
  }
  await removeLogsBefore(logDir, web, 'main', 1, discard)
  t.same(
    files.map((file) => existsSync(file)),
    [false, true, true],
  )
  t.notOk(existsSync(`${files[0]}.0-10`))
})

t.test('folders of other pods go, folders of others stay', async (t) => {
  const logDir = join(t.testdir(), 'logs')
  await removeOtherLogs(logDir, [], discard)
  for (const name of ['default_web_u1', 'default_gone_u2', 'journal', 'a_b']) mkdirSync(join(logDir, name))
  await removeOtherLogs(logDir, [web], discard)
  t.ok(existsSync(podLogDir(logDir, web)))
  t.notOk(existsSync(join(logDir, 'default_gone_u2')))
  t.ok(existsSync(join(logDir, 'journal')) && existsSync(join(logDir, 'a_b')))
})

t.test('only the logs of what runs, and of its latest instances, are kept where room is short', async (t) => {
  const logDir = t.testdir()
  const ended = { namespace: 'default', name: 'job', id: 'u2' }
  const made = async (pod: typeof web, name: string, attempt: number): Promise<string> => {
    const file = await makeLogFile(logDir, pod, name, attempt)
    writeFileSync(file, '')
    return file
  }
  const [old, latest, once] = [await made(web, 'main', 0), await made(web, 'main', 1), await made(web, 'side', 0)]
  await made(ended, 'main', 0)
  const containers = [
    ...[
      { name: 'main', attempt: 0 },
      { name: 'main', attempt: 1 },
    ],
    { name: 'side', attempt: 0 },
  ]
  const known = [
    { ...web, running: true, containers },
    { ...ended, running: false, containers },
  ]
  // Once more: nothing is left to be removed, which is no failure.
  for (let round = 0; round < 2; round++) await removeEndedLogs(logDir, known, discard)
  t.same(
    [old, latest, once].map((file) => existsSync(file)),
    [false, true, true],
  )
  t.notOk(existsSync(podLogDir(logDir, ended)))
})
