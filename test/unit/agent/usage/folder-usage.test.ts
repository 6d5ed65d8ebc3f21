/** What volumes and logs take of a disk. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { bytesOnDisk, readFilesystem, readOwnRoot } from '../../../../src/agent/usage/filesystem-usage.ts'
import { folderUsage } from '../../../../src/agent/usage/folder-usage.ts'

t.test('all files below a folder, links as themselves', async (t) => {
  const folder = t.testdir({ data: { deep: { file: 'x'.repeat(9_000) } }, outside: 'y'.repeat(1_000_000) })
  symlinkSync('../outside', join(folder, 'data/file-link'))
  symlinkSync('..', join(folder, 'data/deep/way-up'))
  const { usedBytes, inodesUsed } = await folderUsage(join(folder, 'data'))
  t.equal(inodesUsed, 5)
  t.ok(usedBytes >= 9_000 && usedBytes < 500_000, String(usedBytes))
  t.match(await folderUsage(join(folder, 'outside')), { inodesUsed: 1 })
  t.strictSame(await folderUsage(join(folder, 'none')), { usedBytes: 0, inodesUsed: 0 })
})

t.test('a folder with too many files is not walked to its end', async (t) => {
  const folder = t.testdir({})
  for (let n = 0; n < 11; n++) {
    mkdirSync(join(folder, `${n}`))
    for (let m = 0; m < 1_000; m++) writeFileSync(join(folder, `${n}`, `${m}`), '')
  }
  t.equal((await folderUsage(folder)).inodesUsed, 10_000)
})

t.test('filesystems and files that are not there are nothing used', async (t) => {
  const folder = t.testdir({ log: 'z'.repeat(5_000) })
  const disk = await readFilesystem(folder)
  t.ok(disk && disk.capacityBytes >= disk.usedBytes && disk.inodes >= disk.inodesFree)
  t.equal(await readFilesystem(join(folder, 'none')), undefined)
  t.equal(await readOwnRoot(-1), undefined)
  t.ok((await bytesOnDisk([join(folder, 'log'), join(folder, 'none')])) >= 5_000)
})
