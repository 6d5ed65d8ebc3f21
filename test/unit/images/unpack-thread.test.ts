/** Threads that unpack layers, when one ends without being asked to. */
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { digestOf } from '../../../src/images/digest.ts'
import { createUnpackThreads, type ThreadOrder } from '../../../src/images/layer/unpack-thread.ts'
import { limits } from '../../../src/images/limits.ts'

const script = `
  const { parentPort } = require('node:worker_threads')
  parentPort.on('message', (message) => {
    if (message === 'fail') throw new Error('too late')
    parentPort.postMessage({ layer: { entries: 1 } })
  })
`
const order: ThreadOrder = {
  ...{ file: { fd: 0, start: 0, bytes: 0 }, diffId: digestOf(''), below: [], folder: '/none', limits },
}

t.test('one that fails after its answer harms nobody, and is not asked again', async (t) => {
  const started: { readonly thread: Worker; readonly ended: Promise<unknown> }[] = []
  const threads = createUnpackThreads(() => {
    const thread = new Worker(script, { eval: true })
    started.push({ thread, ended: new Promise((resolve) => thread.on('exit', resolve)) })
    return thread
  })
  t.teardown(threads.close)
  t.match(await threads.unpack(order), { entries: 1 })
  t.match(await threads.unpack(order), { entries: 1 })
  t.equal(started.length, 1, 'it serves one layer after the other')
  started[0]?.thread.ref()
  started[0]?.thread.postMessage('fail')
  await started[0]?.ended
  t.match(await threads.unpack(order), { entries: 1 })
  t.equal(started.length, 2)
})
