/**
 * A million mutated requests, read by us and by llhttp, on all processors. Fails when any is accepted by us alone or read
 * differently, and prints it.
 *   node_modules/.bin/node test/bench/fuzz.ts
 * FUZZ_HEADS and FUZZ_SEED change how many, and which.
 */

import { availableParallelism } from 'node:os'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { addCounts, type Counts, compareMany, noCounts, summary } from '../support/http-fuzz.ts'
import { mutatedRequest } from '../support/http-mutations.ts'
import { createSeededRandom } from '../support/seeded-random.ts'
import { sized } from './support/size.ts'

const heads = Number(process.env['FUZZ_HEADS'] ?? sized(1_000_000, 20_000))
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000)
/** Each begins with a seed of its own, so that it can be repeated alone. */
const batch = 10_000

interface Task {
  readonly seed: number
  readonly count: number
}

interface Result {
  readonly counts: Counts
  readonly failures: readonly string[]
}

const compareBatch = ({ seed, count }: Task): Result => {
  const random = createSeededRandom(seed)
  const failures: string[] = []
  const report = (text: string, why: string): void =>
    void failures.push(`FUZZ_SEED=${seed} FUZZ_HEADS=${count}: ${JSON.stringify(text)}: ${why}`)
  return { counts: compareMany(count, () => mutatedRequest(random), report), failures }
}

const tasks: readonly Task[] = Array.from({ length: Math.ceil(heads / batch) }, (_, at) => ({
  seed: seed + at,
  count: Math.min(batch, heads - at * batch),
}))

const progressEvery = Math.max(1, Math.floor(tasks.length / 10))

/** Hands the tasks out one after another to as many threads as there are processors. */
const runAll = async (): Promise<Result> => {
  let counts = noCounts
  const failures: string[] = []
  let given = 0
  let done = 0
  const began = performance.now()

  const serve = (worker: Worker, resolve: () => void): void => {
    const task = tasks[given++]
    if (task) worker.postMessage(task)
    else void worker.terminate().then(() => resolve())
  }
  const take = (result: Result): void => {
    counts = addCounts(counts, result.counts)
    failures.push(...result.failures)
    for (const failure of result.failures) console.log(failure)
    if (++done % progressEvery === 0 && done < tasks.length)
      console.log(`${done * batch} of ${heads} after ${Math.round((performance.now() - began) / 1000)} s`)
  }
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(import.meta.url), { workerData: 'compare' })
      worker.on('error', reject)
      worker.on('message', (result: Result) => {
        take(result)
        serve(worker, resolve)
      })
      serve(worker, resolve)
    })
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), tasks.length) }, work))
  return { counts, failures }
}

if (isMainThread) {
  console.log(`FUZZ_SEED=${seed} FUZZ_HEADS=${heads}`)
  const { counts, failures } = await runAll()
  console.log(summary(heads, counts))
  if (failures.length > 0) process.exitCode = 1
} else if (workerData === 'compare') {
  parentPort?.on('message', (task: Task) => parentPort?.postMessage(compareBatch(task)))
}
