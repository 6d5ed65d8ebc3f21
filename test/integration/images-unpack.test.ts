/** Layers that are unpacked in a thread: what a hostile one costs the process that asked for it. */
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import t, { type Test } from 'tap'
import { digestOf } from '../../src/images/digest.ts'
import { createUnpackThreads } from '../../src/images/layer/unpack-thread.ts'
import { type Limits, limits } from '../../src/images/limits.ts'
import { layerOf, ownFolder } from '../support/image-store.ts'
import { tarArchive, tarEntry } from '../support/tar-archive.ts'
import { until } from '../support/until.ts'

const threads = createUnpackThreads()
t.teardown(threads.close)

const manyFiles = 10_000
const files = (count: number, folder: string): Buffer =>
  Buffer.concat([...Array.from({ length: count }, (_, n) => tarEntry({ path: `${folder}/file-${n}` })), tarArchive()])
const many = files(manyFiles, 'folder')

const unpack = async (t: Test, archive: Buffer, more: Partial<Limits>, signal?: AbortSignal) => {
  const folder = join(ownFolder(), 'work')
  mkdirSync(folder)
  const { close, ...part } = await layerOf(archive)
  t.teardown(close)
  const order = { file: part, diffId: digestOf(archive), below: [], folder, limits: { ...limits, ...more } }
  return { folder, done: threads.unpack(order, signal) }
}

t.test('a layer of many small files is refused, and the process that asked goes on answering', async (t) => {
  const delay = monitorEventLoopDelay({ resolution: 5 })
  const before = process.memoryUsage().heapUsed
  delay.enable()
  const { done } = await unpack(t, many, { layerEntries: manyFiles / 2 })
  await t.rejects(done, { fault: 'unsupported', message: `the layer has more than ${manyFiles / 2} files and folders` })
  delay.disable()
  t.ok(delay.percentile(99) < 200e6, `it answered within ${Math.round(delay.percentile(99) / 1e6)} ms`)
  t.ok(process.memoryUsage().heapUsed - before < 10e6, 'what was noted of its paths is not here')
})

t.test('a layer whose paths take more memory than there may be is refused', async (t) => {
  const { done, folder } = await unpack(t, files(6_000, `${'a'.repeat(250)}/`.repeat(14)), { unpackHeapMb: 12 })
  await t.rejects(done, { fault: 'unsupported', message: /take more than 12 MB of memory/ })
  await until(() => readdirSync(join(folder, 'root')).length === 0, 'the end of tar')
})

t.test('whoever does not want it any more is told so, and nothing is read any longer', async (t) => {
  const abort = new AbortController()
  const { done } = await unpack(t, many, {}, abort.signal)
  abort.abort(new Error('not wanted'))
  await t.rejects(done, { message: 'not wanted' })
})

t.test('a layer is unpacked, and what is wrong with one is told as in the thread', async (t) => {
  const good = await unpack(t, tarArchive({ path: 'a/b', content: 'x' }), {})
  const layer = await good.done
  t.match(layer, { entries: 1, bytes: 1, warnings: '' })
  t.same(readdirSync(join(layer.folder, 'a')), ['b'])
  const bad = await unpack(t, Buffer.from('no archive of anything'), {})
  await t.rejects(bad.done, { name: 'ImageError', fault: 'damaged' })
})
