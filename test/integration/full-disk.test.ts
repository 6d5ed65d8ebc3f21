/** A full disk: what was there stays, the failure is told, and what failed is done when there is room again. */
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { KubeObject } from '../../src/api/types/index.ts'
import { openSqliteBackend } from '../../src/control/storage/sqlite-backend.ts'
import { openStore } from '../../src/control/storage/watch-cache.ts'
import { createCommandRunner } from '../../src/host/command.ts'
import { writeFileAtomic } from '../../src/host/files.ts'
import { createFileLeaseStore } from '../../src/ipam/lease-store.ts'
import { openPodAddresses } from '../../src/ipam/pod-addresses.ts'

const runner = createCommandRunner()

/** A disk of its own, with what fills it. */
const smallDisk = async (t: Test) => {
  const folder = `/run/disk-${process.pid}`
  mkdirSync(folder)
  await runner.run('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder])
  t.teardown(async () => {
    await runner.run('umount', [folder])
    rmSync(folder, { recursive: true })
  })
  const ballast = join(folder, 'ballast')
  return {
    folder,
    fill: () => {
      const file = openSync(ballast, 'a')
      try {
        for (;;) writeSync(file, Buffer.alloc(4096, 1))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      } finally {
        closeSync(file)
      }
    },
    clear: () => rmSync(ballast),
  }
}

t.test('a file keeps its old content', async (t) => {
  const { folder, fill, clear } = await smallDisk(t)
  const file = join(folder, 'state.json')
  await writeFileAtomic(file, 'old')
  fill()
  await t.rejects(writeFileAtomic(file, 'x'.repeat(8192)), { code: 'ENOSPC' })
  t.equal(readFileSync(file, 'utf8'), 'old')
  t.same(readdirSync(folder).sort(), ['ballast', 'state.json'], 'nothing half-written is left')
  clear()
  await writeFileAtomic(file, 'x'.repeat(8192))
  t.equal(readFileSync(file, 'utf8').length, 8192)
})

t.test('an address is not given out before it is written', async (t) => {
  const { folder, fill, clear } = await smallDisk(t)
  const file = join(folder, 'leases.json')
  const open = () => openPodAddresses({ podCIDRs: ['10.244.1.0/24'], store: createFileLeaseStore(file) })
  const addresses = await open()
  const [first] = await addresses.assign('first')
  fill()
  await t.rejects(addresses.assign('second', { note: 'n'.repeat(8192) }), { code: 'ENOSPC' })
  t.same(
    (await open()).list().map(({ owner }) => owner),
    ['first'],
    'what was told of is still written',
  )
  clear()
  const [second] = await addresses.assign('second', { note: 'n'.repeat(8192) })
  t.not(second, first)
  t.same(
    (await open())
      .list()
      .map(({ owner }) => owner)
      .sort(),
    ['first', 'second'],
    'the next try is as good',
  )
})

t.test('a write to the store fails alone, and can be repeated', async (t) => {
  const { folder, fill, clear } = await smallDisk(t)
  const file = join(folder, 'store.db')
  const store = await openStore(openSqliteBackend(file))
  const object = (size: number) =>
    ({
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } },
      data: { value: 'x'.repeat(size) },
    }) as KubeObject
  const key = (name: string) => ({ bucket: 'configmaps', name: `d/${name}` })
  const first = await store.commit({ key: key('a'), expected: 0, object: object(10) })
  fill()
  await t.rejects(store.commit({ key: key('b'), expected: 0, object: object(60_000) }), /store\.db: .*full/)
  t.equal(store.get(key('a'))?.revision, first)
  t.equal(store.get(key('b')), undefined, 'nothing of it is seen')
  clear()
  await store.commit({ key: key('b'), expected: 0, object: object(60_000) })
  await store.close()
  const again = await openStore(openSqliteBackend(file, { onDamage: t.fail }))
  t.same(
    again.list('configmaps').entries.map(({ key: { name } }) => name),
    ['d/a', 'd/b'],
  )
  await again.close()
})
