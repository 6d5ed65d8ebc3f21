/** What is measured of the pods of a lab, through its API. */
import { WebSocket } from 'ws'
import type { Connection } from '../../../src/api/kubeconfig.ts'
import type { Pod, WatchEvent } from '../../../src/api/types/index.ts'
import { until } from '../../support/until.ts'
import type { Caller } from '../api/measure.ts'

const path = '/api/v1/namespaces/default/pods'

/** `undefined`: the lab's own. */
export type RuntimeName = 'process' | undefined

const podOf = (name: string, runtime: RuntimeName, command: readonly string[], restartPolicy: string) => ({
  metadata: { name },
  spec: {
    ...(runtime === undefined ? {} : { runtimeClassName: runtime }),
    ...{ restartPolicy, terminationGracePeriodSeconds: 0 },
    containers: [{ name: 'main', image: 'busybox:1', command }],
  },
})

/** Milliseconds from the request that made it. */
interface Times {
  readonly running: number
  readonly ready: number
}

const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false

export interface Pods {
  /** Makes these at once; resolves when all are ready. */
  create(names: readonly string[], runtime: RuntimeName): Promise<readonly Times[]>
  /** Runs a command to its end; the message that it left. */
  run(name: string, command: readonly string[]): Promise<string>
  remove(names: readonly string[]): Promise<void>
}

/** Follows all pods from now on. */
export const followPods = async ({ call, stream }: Caller, signal: AbortSignal): Promise<Pods> => {
  const now = new Map<string, Pod>()
  const seen = new Map<string, { running?: number; ready?: number }>()
  const see = ({ type, object: pod }: WatchEvent<Pod>): void => {
    const { name } = pod.metadata
    if (type === 'DELETED') return void now.delete(name)
    now.set(name, pod)
    const times = seen.get(name) ?? {}
    seen.set(name, times)
    if (pod.status?.phase === 'Running') times.running ??= performance.now()
    if (isReady(pod)) times.ready ??= performance.now()
  }
  let rest = ''
  await stream(
    `${path}?watch=1`,
    (text) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) see(JSON.parse(line) as WatchEvent<Pod>)
    },
    signal,
  )
  return {
    create: async (names, runtime) => {
      const began = names.map(async (name) => {
        const at = performance.now()
        await call('POST', path, podOf(name, runtime, ['sleep', '3600'], 'Always'))
        return at
      })
      const isDone = (name: string): boolean => seen.get(name)?.ready !== undefined
      await until(() => names.every(isDone), `${names.length} pods to be ready`, 120_000)
      const at = await Promise.all(began)
      return names.map((name, n): Times => {
        const { running = 0, ready = 0 } = seen.get(name) ?? {}
        return { running: running - (at[n] ?? 0), ready: ready - (at[n] ?? 0) }
      })
    },
    run: async (name, command) => {
      await call('POST', path, podOf(name, undefined, command, 'Never'))
      const end = () => now.get(name)?.status?.containerStatuses?.[0]?.state?.terminated
      const ended = await until(end, `the end of ${name}`, 120_000)
      if (ended.exitCode !== 0) throw new Error(`${name}: ${ended.reason} ${ended.message ?? ''}`)
      return ended.message ?? ''
    },
    remove: async (names) => {
      await Promise.all(names.map((name) => call('DELETE', `${path}/${name}?gracePeriodSeconds=0`)))
      await until(() => names.every((name) => !now.has(name)), 'the pods to go', 120_000)
    },
  }
}

/** Milliseconds from asking for a command in a pod to its exit code. */
export const execRoundTrip = ({ server, ca, cert, key }: Connection, pod: string): Promise<number> => {
  const url = `${server.replace('https', 'wss')}${path}/${pod}/exec?command=true&stdout=1`
  const began = performance.now()
  const socket = new WebSocket(url, 'v4.channel.k8s.io', { ca, cert, key })
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('message', (data: Buffer) => {
      // Channel 3 says how it ended.
      if (data[0] !== 3) return
      const said = data.toString('utf8', 1)
      socket.close()
      if (said.includes('"Success"')) resolve(performance.now() - began)
      else reject(new Error(said))
    })
  })
}

/** MB a second that a container's output is written with, and read with through the API. */
export const logThroughput = async (
  pods: Pods,
  { call }: Caller,
  bytes: number,
): Promise<{ readonly written: number; readonly read: number }> => {
  const line = 'a line of a log that is as long as many are, so that it is not the lines alone that are measured'
  const script = `read from rest </proc/uptime; yes ${JSON.stringify(line)} | head -c ${bytes}; read to rest </proc/uptime; echo "$from $to" >/dev/termination-log`
  const [from = 0, to = 0] = (await pods.run('logs', ['sh', '-c', script])).trim().split(' ').map(Number)
  const began = performance.now()
  const { length } = await call('GET', `${path}/logs/log`)
  if (length === 0) throw new Error('there is no log')
  const seconds = (performance.now() - began) / 1000
  await pods.remove(['logs'])
  // The clock of a container has hundredths.
  return { written: bytes / 1e6 / Math.max(to - from, 0.01), read: length / 1e6 / seconds }
}
