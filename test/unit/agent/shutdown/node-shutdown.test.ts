/** A machine that is about to stop: which pods end when, what is refused, and what the node says. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { PodEnding } from '../../../../src/agent/pods/ending.ts'
import { createNodeShutdown } from '../../../../src/agent/shutdown/node-shutdown.ts'
import {
  cancelShutdown,
  readBootID,
  readProgress,
  readShutdown,
  type ShutdownProgress,
  type ShutdownRequest,
  shutdownFile,
  writeProgress,
  writeShutdown,
} from '../../../../src/agent/shutdown/request.ts'
import { createFakeClock } from '../../../../src/api/clock.ts'
import type { Pod } from '../../../../src/api/types/index.ts'
import { recordingLog } from '../../../support/recording-log.ts'
import { turns, until } from '../../../support/until.ts'

const critical = 2_000_000_000
const podOf = (uid: string, priority = 0): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: uid, namespace: 'default', uid } },
  spec: { priority, containers: [{ name: 'main' }] },
})

const start = (t: Test, pods: Pod[]) => {
  const clock = createFakeClock()
  const ended: string[] = []
  const changes: boolean[] = []
  const running = new Map(pods.map(({ metadata: { uid = '' } }) => [uid, `default/${uid}`]))
  let request: ShutdownRequest | undefined
  const ask = (graceMs: number, criticalMs: number): void => {
    request = { startedAt: clock.now(), graceMs, criticalMs, bootID: 'b' }
  }
  const onChange = (isActive: boolean): void => void changes.push(isActive)
  const progress: string[] = []
  const onProgress = async ({ running: left }: ShutdownProgress): Promise<void> => void progress.push(left.join(' '))
  const { log, messages } = recordingLog()
  let failure: Error | undefined
  const shutdown = createNodeShutdown({ read: async () => request, onChange, onProgress, clock, log })
  const end = (uid: string, { reason, message, graceMs, isDisruption }: PodEnding): void => {
    ended.push(`${uid} ${graceMs} ${reason} ${isDisruption}`)
    if (message !== 'Pod was terminated in response to imminent node shutdown.') throw new Error(message)
  }
  const stop = new AbortController()
  const runningNow = async (): Promise<ReadonlyMap<string, string>> => {
    if (failure) throw failure
    return running
  }
  const done = shutdown.run({ pods: () => pods, running: runningNow, end }, stop.signal)
  t.teardown(async () => {
    stop.abort()
    await done
  })
  const pass = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 500) {
      clock.advance(500)
      await turns()
    }
  }
  const fail = (error: Error | undefined): void => {
    failure = error
  }
  const callOff = () => (request = undefined)
  return { shutdown, ask, callOff, ended, changes, running, progress, pods, pass, fail, messages }
}

t.test('regular pods end first, and then critical ones, each with what is left for them', async (t) => {
  const { shutdown, ask, ended, changes, running, progress, pass, callOff, pods } = start(t, [
    podOf('vital', critical),
    podOf('web'),
  ])
  await pass(1_000)
  t.same([ended, shutdown.rejection(), shutdown.problems()], [[], undefined, []])
  ask(30_000, 10_000)
  await pass(500)
  t.same(ended, ['web 19500 Terminated true'])
  t.same(shutdown.problems(), ['node is shutting down'])
  t.match(shutdown.rejection(), { reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' })
  await pass(5_000)
  t.equal(ended.length, 1, 'nothing is asked twice, and critical ones wait')
  running.delete('web')
  await pass(500)
  t.same(ended.slice(1), ['vital 10000 Terminated true'])
  t.same(progress, ['default/vital default/web', 'default/vital'])
  running.delete('vital')
  await pass(1_000)
  t.same(progress.slice(2), [''], 'its end is told once')
  pods.push(podOf('late'))
  await pass(500)
  t.match(ended[2], /^late \d+ Terminated/, 'one that was on its way')
  callOff()
  await pass(500)
  t.same([changes, shutdown.rejection(), shutdown.problems()], [[true, false], undefined, []])
})

t.test('critical pods do not wait for those that take too long', async (t) => {
  const { ask, ended, pass } = start(t, [podOf('web'), podOf('vital', critical)])
  ask(3_000, 1_000)
  await pass(1_500)
  t.equal(ended.length, 1)
  await pass(1_000)
  t.same(ended[1], 'vital 1000 Terminated true')
})

t.test('critical pods end in time also while nobody can tell what runs', async (t) => {
  const { ask, ended, pass, fail } = start(t, [podOf('web'), podOf('vital', critical)])
  fail(new Error('the container runtime does not answer'))
  ask(3_000, 1_000)
  await pass(2_500)
  t.same(ended.slice(1), ['vital 1000 Terminated true'])
})

t.test('while nobody can tell what runs it is said once, and tried again', async (t) => {
  const { ask, ended, progress, running, pass, fail, messages } = start(t, [podOf('web'), podOf('vital', critical)])
  fail(new Error('the container runtime does not answer'))
  ask(30_000, 10_000)
  await pass(5_000)
  t.same([ended.length, progress], [1, []])
  t.equal(messages.filter((each) => each.startsWith('cannot look after the shutdown')).length, 1)
  fail(undefined)
  running.clear()
  await pass(1_000)
  t.same([ended.length, progress], [2, ['']])
})

t.test('what is asked is of this boot', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = shutdownFile(folder)
  t.equal(await readShutdown(file), undefined)
  const request = { startedAt: 1, graceMs: 2, criticalMs: 1, bootID: await readBootID() }
  await writeShutdown(file, request)
  t.same(await readShutdown(file), request)
  await writeShutdown(file, { ...request, bootID: 'another' })
  t.equal(await readShutdown(file), undefined)
  for (const text of ['', 'null', '{"startedAt":"x"}', JSON.stringify({ ...request, graceMs: -1 })]) {
    writeFileSync(file, text)
    t.equal(await readShutdown(file), undefined, text)
  }
  await writeProgress(file, { startedAt: 1, running: ['default/web'] })
  t.same(await readProgress(file, 1), ['default/web'])
  t.equal(await readProgress(file, 2), undefined, 'it is of another shutdown')
  await cancelShutdown(file)
  await cancelShutdown(file)
  await until(async () => (await readShutdown(file)) === undefined, 'nothing')
})
