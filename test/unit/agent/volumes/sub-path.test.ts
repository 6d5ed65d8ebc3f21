/** Parts of volumes: nothing that a pod makes of its volume leads out of it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readlinkSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openSubPath } from '../../../../src/agent/volumes/sub-path.ts'

const start = (t: Test) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'podway-parts-')))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const volume = join(folder, 'volume')
  const outside = join(folder, 'outside')
  for (const each of [volume, outside]) mkdirSync(each)
  writeFileSync(join(outside, 'key'), 'secret')
  /** What is opened, as seen by the kernel. */
  const find = async (path: string, root = volume): Promise<string> => {
    const { handle, kind } = await openSubPath(root, path)
    const found = readlinkSync(`/proc/self/fd/${handle.fd}`)
    await handle.close()
    return `${kind} ${found}`
  }
  return { folder, volume, outside, find }
}

t.test('what is there, and what is made', async (t) => {
  const { folder, volume, find } = start(t)
  writeFileSync(join(volume, 'f'), '')
  t.equal(await find('f'), `file ${volume}/f`)
  t.equal(await find('a/./b//c/'), `folder ${volume}/a/b/c`)
  t.equal(await find('a'), `folder ${volume}/a`)
  t.equal(await find('.'), `folder ${volume}`)
  symlinkSync(volume, join(folder, 'link'))
  t.equal(await find('f', join(folder, 'link')), `file ${volume}/f`, "the volume's own place is the node's business")
})

t.test('links within the volume are as good as what they lead to', async (t) => {
  const { volume, find } = start(t)
  mkdirSync(join(volume, '..version-1'))
  writeFileSync(join(volume, '..version-1/key'), '')
  symlinkSync('..version-1', join(volume, '..data'))
  symlinkSync('..data/key', join(volume, 'key'))
  t.equal(await find('key'), `file ${volume}/..version-1/key`)
})

t.test('links that lead out', async (t) => {
  const { volume, outside, find } = start(t)
  symlinkSync(outside, join(volume, 'absolute'))
  symlinkSync('../outside', join(volume, 'relative'))
  symlinkSync('/', join(volume, 'root'))
  symlinkSync('loop', join(volume, 'loop'))
  mkdirSync(join(volume, 'deep'))
  symlinkSync('../../outside/new', join(volume, 'deep/dangling'))
  for (const path of ['absolute', 'absolute/key', 'relative', 'relative/new/one', 'root', 'root/etc', 'absolute/../x'])
    await t.rejects(find(path), { message: /leads out of its volume|must not contain/ }, path)
  await t.rejects(find('deep/dangling'), { message: /has become a link/ }, 'a link to what is not there')
  await t.rejects(find('loop'), { code: 'ELOOP' })
  for (const path of ['/etc', '../outside', 'a/../../outside', 'a\0b'])
    await t.rejects(find(path), { message: /is not below a volume|must not contain/ }, JSON.stringify(path))
})

/** Puts a folder and a link to what is outside in each other's place, as fast as it can, until it is killed. */
const swapper = `
  const { renameSync, mkdirSync, symlinkSync } = require('node:fs')
  const [, volume, outside] = process.argv
  mkdirSync(volume + '/a'); mkdirSync(volume + '/a/b'); symlinkSync(outside, volume + '/link')
  console.log('ready')
  for (;;) {
    renameSync(volume + '/a', volume + '/spare'); renameSync(volume + '/link', volume + '/a')
    renameSync(volume + '/a', volume + '/link'); renameSync(volume + '/spare', volume + '/a')
  }
`

t.test('what is made a link in the middle of it', async (t) => {
  const { volume, outside, find } = start(t)
  mkdirSync(join(outside, 'b'))
  const child = spawn(process.execPath, ['-e', swapper, volume, outside], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  await once(child.stdout, 'data')
  const found = new Set<string>()
  const refused = new Set<string>()
  for (let round = 0; round < 300; round++)
    await find('a/b').then(
      (place) => found.add(place.replace(volume, 'VOLUME')),
      (error: Error) => refused.add(error.message),
    )
  child.kill('SIGKILL')
  await ended
  t.notOk(
    [...found].some((place) => place.includes(outside)),
    [...found].join(),
  )
  t.ok(found.size + refused.size > 0)
})
