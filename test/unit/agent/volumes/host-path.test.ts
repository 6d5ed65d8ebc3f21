import { existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { prepareHostPath } from '../../../../src/agent/volumes/host-path.ts'

const folder = mkdtempSync(join(tmpdir(), 'podway-host-path-'))
t.teardown(() => rmSync(folder, { recursive: true }))

const places = {
  none: join(folder, 'none'),
  folder: join(folder, 'folder'),
  file: join(folder, 'file'),
  socket: join(folder, 'socket'),
  device: '/dev/null',
}

/** By type: what it takes. Of `none`, only some make something. */
const types: Readonly<Record<string, readonly (keyof typeof places)[]>> = {
  '': ['none', 'folder', 'file', 'socket', 'device'],
  DirectoryOrCreate: ['none', 'folder'],
  Directory: ['folder'],
  FileOrCreate: ['none', 'file'],
  File: ['file'],
  Socket: ['socket'],
  CharDevice: ['device'],
  BlockDevice: [],
}

t.test('each type takes what it says, and makes what it says', async (t) => {
  mkdirSync(places.folder)
  writeFileSync(places.file, 'x')
  const server = createServer().listen(places.socket)
  t.teardown(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  for (const [type, takes] of Object.entries(types))
    for (const [name, path] of Object.entries(places)) {
      rmSync(places.none, { recursive: true, force: true })
      const made = prepareHostPath(path, type)
      if (!takes.some((each) => each === name)) {
        await t.rejects(made, { message: /^hostPath type check failed: \S+ is not a [a-z ]+$/ }, `${type} of ${name}`)
        t.equal(existsSync(places.none), false)
        continue
      }
      const { kind, readOnly } = await made
      t.equal(kind, lstatSync(path).isDirectory() ? 'folder' : 'file', `${type} of ${name}`)
      t.equal(readOnly, false)
    }
})

t.test('no path of a node, and no type', async (t) => {
  for (const path of ['', 'relative', '/a/../b', '/a\0'])
    await t.rejects(prepareHostPath(path, ''), { message: /is no path of a node/ }, JSON.stringify(path))
  await t.rejects(prepareHostPath('/', 'Odd'), { message: '"Odd" is an invalid volume type' })
  await t.rejects(prepareHostPath('/', 'constructor'), { message: /invalid volume type/ })
})
