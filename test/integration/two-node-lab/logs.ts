/** `podway logs` across nodes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import { until } from '../../support/until.ts'
import { podway } from '../support/lab.ts'
import { apply, kubectl, run } from './lab.ts'

const talker = (name: string, nodeName: string, script: string) => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: 'talker' } } },
  spec: {
    ...{ nodeName, restartPolicy: 'Never', terminationGracePeriodSeconds: 0 },
    containers: [{ name: 'main', image: 'podway/echo', command: ['sh', '-c', script] }],
  },
})

const counting = 'i=0; while :; do i=$((i+1)); echo "line $i"; sleep 0.2; done'

/** What has come, by pod: the numbers of its lines. */
const numbersOf = (out: string): ReadonlyMap<string, readonly number[]> => {
  const found = new Map<string, number[]>()
  for (const [, pod = '', number] of out.matchAll(/^\[default\/([^/]+)\/main\] line (\d+)$/gm))
    found.set(pod, [...(found.get(pod) ?? []), Number(number)])
  return found
}

const follow = (...words: readonly string[]) => {
  const child = spawn(podway, ['logs', '-f', ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    said.out += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    said.err += chunk.toString()
  })
  const ended = once(child, 'close')
  return {
    said,
    stop: async (): Promise<unknown> => {
      child.kill('SIGTERM')
      return (await ended)[0]
    },
  }
}

export const logs = async (t: Test): Promise<void> => {
  await apply(talker('talker-1', 'node1', counting))
  const { said, stop } = follow('-l', 'app=talker', '-A', '--prefix')
  const count = (pod: string) => numbersOf(said.out).get(pod)?.length ?? 0
  await until(() => count('talker-1') > 3, 'the first lines', 30_000)
  await apply(talker('talker-2', 'node2', counting), talker('words', 'node1', 'printf "%s" "no end \\"} {"'))
  await until(() => count('talker-2') > 3, 'a pod that has come', 30_000)

  await run('lab', 'kill', 'node2', '--agent')
  await until(() => /on node2: .*; trying again/.test(said.err), 'word of the node that is away', 30_000)
  const [before, others] = [count('talker-2'), count('talker-1')]
  await until(() => count('talker-1') > others + 2, 'the other node to go on')
  await run('lab', 'revive', 'node2')
  await until(() => count('talker-2') > before + 10, 'what was said meanwhile', 60_000)
  t.match(said.err, /node2 answers again/)
  t.equal(await stop(), 0)
  for (const [pod, numbers] of numbersOf(said.out)) {
    t.same(
      numbers,
      numbers.map((_, at) => at + 1),
      `${pod}: each line once`,
    )
  }
  t.match(said.out, /^\[default\/words\/main\] no end "\} \{$/m)

  await kubectl('delete', 'pod', 'talker-1', 'talker-2', '--wait=false')
  const records = (await run('logs', 'words', '-o', 'json')).trim().split('\n')
  t.match(
    records.map((record) => JSON.parse(record)),
    [{ namespace: 'default', pod: 'words', container: 'main', node: 'node1', log: 'no end "} {' }],
  )
  const stamped = (await run('logs', '-l', 'app in (web,talker)', '--timestamps')).trim().split('\n')
  const times = stamped.map((line) => line.split(' ')[0] ?? '')
  t.same(times, times.toSorted(), 'by time where nothing is followed')
  await t.rejects(run('logs', 'nobody'), /there is no pod default\/nobody/)
  await kubectl('delete', 'pod', 'words')
}
