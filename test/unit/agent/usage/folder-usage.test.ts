/** What volumes and logs take of a disk. */
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { bytesOnDisk, readFilesystem, readOwnRoot } from '../../../../src/agent/usage/filesystem-usage.ts'
import { measureFolders } from '../../../../src/agent/usage/folder-usage.ts'
import { CommandError, createCommandRunner } from '../../../../src/host/command.ts'
import { makeDeepFolders } from '../../../support/deep-folders.ts'

const runner = createCommandRunner()

t.test('all files below a folder, links as themselves', async (t) => {
  const folder = t.testdir({ data: { deep: { file: 'x'.repeat(9_000) } }, outside: 'y'.repeat(1_000_000) })
  symlinkSync('../outside', join(folder, 'data/file-link'))
  symlinkSync('..', join(folder, 'data/deep/way-up'))
  const [data, outside, none] = ['data', 'outside', 'none'].map((name) => join(folder, name))
  if (!data || !outside || !none) throw new Error('no folders')
  const bytes = await measureFolders(runner, [data, outside, none], 'bytes')
  t.ok((bytes.get(data) ?? 0) >= 9_000 && (bytes.get(data) ?? 0) < 500_000, String(bytes.get(data)))
  t.ok((bytes.get(outside) ?? 0) >= 1_000_000)
  t.equal(bytes.get(none), 0, 'it is not there')
  t.same(
    await measureFolders(runner, [data, outside], 'inodes'),
    new Map([
      [data, 5],
      [outside, 1],
    ]),
  )
  t.same(await measureFolders(runner, [], 'bytes'), new Map())
})

t.test('neither a name nor a depth leads it astray', async (t) => {
  const data = makeDeepFolders(t, 30)
  writeFileSync(join(data, '9\t-x\n7\tother'), 'x')
  t.same(await measureFolders(runner, [data], 'inodes'), new Map([[data, 32]]))
})

t.test('what fails halfway is told as far as it came, and what takes too long not at all', async (t) => {
  const failing = (exitCode: number | undefined) => ({
    run: (file: string) => Promise.reject(new CommandError(file, exitCode, 'du: gone', '4\t/a\0')),
  })
  t.same(
    await measureFolders(failing(1), ['/a', '/b'], 'bytes'),
    new Map([
      ['/a', 4096],
      ['/b', 0],
    ]),
  )
  await t.rejects(measureFolders(failing(undefined), ['/a'], 'bytes'), { name: 'CommandError' })
})

t.test('filesystems and files that are not there are nothing used', async (t) => {
  const folder = t.testdir({ log: 'z'.repeat(5_000) })
  const disk = await readFilesystem(folder)
  t.ok(disk && disk.capacityBytes >= disk.usedBytes && disk.inodes >= disk.inodesFree)
  t.equal(await readFilesystem(join(folder, 'none')), undefined)
  t.equal(await readOwnRoot(-1), undefined)
  t.ok((await bytesOnDisk([join(folder, 'log'), join(folder, 'none')])) >= 5_000)
})
