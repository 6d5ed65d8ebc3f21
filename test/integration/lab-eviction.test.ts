/** A node that is short of memory, and pods that take more of its disk than they may. */
import { totalmem } from 'node:os'
import t from 'tap'
import { until } from '../support/until.ts'
import { createLabHome } from './support/lab.ts'

t.setTimeout(300_000)
const { run, kubectl, kubectlJson, apply } = await createLabHome()

interface Status {
  readonly phase?: string
  readonly reason?: string
  readonly message?: string
}

const pod = (name: string, container: object, spec: object = {}) => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name } },
  spec: {
    ...{ nodeName: 'node1', restartPolicy: 'Always', terminationGracePeriodSeconds: 30 },
    containers: [{ name: 'main', image: 'podway/echo', command: ['sleep', '3600'], ...container }],
    ...spec,
  },
})

/** No machine uses less than this; what is left of its memory has to stay free. */
const forPods = 64 * 2 ** 20

/** Within its request, it is the last that goes. */
const modest = { resources: { requests: { memory: '16Mi' } } }
const fill = 'sleep 3; head -c 2097152 /dev/zero > /cache/file; sleep 3600'

t.test('a lab whose node is always short of memory', async (t) => {
  t.teardown(() => run('lab', 'down').catch(() => undefined))
  await run('lab', 'up', '--nodes', '1', '--eviction-hard', `memory.available<${totalmem() - forPods}`)
  const statusOf = async (name: string): Promise<Status> =>
    (await kubectlJson<{ readonly status: Status }>('get', 'pod', name)).status
  const failed = async (name: string): Promise<Status> => {
    const isFailed = async () => {
      const status = await statusOf(name)
      return status.phase === 'Failed' ? status : undefined
    }
    return until(isFailed, `${name} to fail`, 60_000)
  }

  await t.test('what it says of itself, and what others make of that', async () => {
    const get = (path: string) => kubectl('get', 'node', 'node1', '-o', `jsonpath=${path}`)
    await until(
      async () => (await get('{.status.conditions[?(@.type=="MemoryPressure")].status}')) === 'True',
      'the condition',
      30_000,
    )
    await until(
      async () =>
        /node.kubernetes.io\/memory-pressure:NoSchedule/.test(
          await get('{range .spec.taints[*]}{.key}:{.effect} {end}'),
        ),
      'the taint',
      15_000,
    )
  })

  await t.test('it takes no pod that does not say what it needs', async (t) => {
    await apply(pod('best-effort', {}))
    t.match(await failed('best-effort'), {
      reason: 'Evicted',
      message: 'Pod was rejected: The node had condition: [MemoryPressure]. ',
    })
  })

  await t.test('pods that fill the disk, and then those that use most memory, are evicted', async (t) => {
    const volumes = [{ name: 'cache', emptyDir: { sizeLimit: '1Mi' } }]
    const mounts = { volumeMounts: [{ name: 'cache', mountPath: '/cache' }] }
    const hog = { command: ['sh', '-c', 'x=$(head -c 30000000 /dev/zero | tr "\\0" x); sleep 3600'] }
    await apply(
      pod('filling', { ...modest, ...mounts, command: ['sh', '-c', fill] }, { volumes }),
      pod('greedy', { ...hog, resources: { requests: { memory: '1Mi' } } }),
      pod('large', { resources: { requests: { cpu: '1000' } } }),
    )
    t.match(await failed('large'), {
      reason: 'OutOfcpu',
      message: /^Pod was rejected: Node didn't have enough resource: cpu/,
    })
    t.match(await failed('filling'), {
      reason: 'Evicted',
      message: 'Usage of EmptyDir volume "cache" exceeds the limit "1Mi". ',
    })
    t.match(await failed('greedy'), {
      reason: 'Evicted',
      message:
        /^The node was low on resource: memory\. Threshold quantity: .*Container main was using .*request is 1Mi/,
    })
    const events = await kubectl(
      'get',
      'events',
      '-o',
      'jsonpath={range .items[*]}{.involvedObject.name}:{.reason} {end}',
    )
    for (const event of ['filling:Evicted', 'greedy:Evicted', 'large:OutOfcpu', 'node1:EvictionThresholdMet'])
      t.match(events, event)
  })
})
