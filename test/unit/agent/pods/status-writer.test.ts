/** Statuses that are written while others write, while the copy lags, and while the server is away. */
import t from 'tap'
import { createStatusWriter } from '../../../../src/agent/pods/status-writer.ts'
import type { Client } from '../../../../src/api/client.ts'
import { modifiedMeanwhile, notFound } from '../../../../src/api/errors.ts'
import { pods } from '../../../../src/api/resources.ts'
import type { Pod, PodStatus } from '../../../../src/api/types/index.ts'

const podAt = (resourceVersion: number, status: PodStatus = {}, uid = 'u1'): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: { name: 'web', namespace: 'default', uid, resourceVersion: String(resourceVersion) },
  ...{ spec: { containers: [] }, status },
})

/** A server with one pod that counts what it is asked. */
const open = (first: Pod | undefined) => {
  const server = { pod: first, writes: 0, reads: 0, isDown: false }
  const client: Pick<Client, 'get' | 'updateStatus'> = {
    get: async () => {
      server.reads++
      if (!server.pod) throw notFound(pods, 'web')
      return server.pod as never
    },
    updateStatus: async (_resource, object) => {
      server.writes++
      if (server.isDown) throw new Error('no connection')
      const { pod } = server
      if (!pod || pod.metadata.uid !== object.metadata.uid) throw notFound(pods, 'web')
      if (pod.metadata.resourceVersion !== object.metadata.resourceVersion) throw modifiedMeanwhile(pods, 'web')
      server.pod = podAt(Number(pod.metadata.resourceVersion) + 1, (object as unknown as Pod).status)
      return server.pod as never
    },
  }
  return { server, writer: createStatusWriter(client as Client) }
}
const phase =
  (value: 'Pending' | 'Running' | 'Failed') =>
  ({ status }: Pod): PodStatus => ({ ...status, phase: value })

t.test('what is as it was is not written, whether or not fields are undefined', async (t) => {
  const { server, writer } = open(podAt(1, { phase: 'Running' }))
  t.equal(await writer.write(podAt(1, { phase: 'Running' }), phase('Running')), true)
  const { status: _, ...bare } = podAt(1)
  t.equal(await writer.write(bare, () => ({ reason: undefined }) as unknown as PodStatus), true)
  t.equal(server.writes, 0)
})

t.test('until news of it comes, what was written counts, and not what the copy shows', async (t) => {
  const { server, writer } = open(podAt(1))
  const lagging = podAt(1)
  t.equal(writer.latest(lagging), lagging)
  await writer.write(lagging, phase('Running'))
  t.match(writer.latest(lagging), { status: { phase: 'Running' }, metadata: { resourceVersion: '2' } })
  await writer.write(lagging, phase('Running'))
  t.equal(server.writes, 1, 'it is not written again')
  await writer.write(lagging, phase('Failed'))
  t.same([server.writes, server.reads], [2, 0], 'nor is there a conflict with ourselves')
  const moved = podAt(9, { phase: 'Pending' })
  t.equal(writer.latest(moved), moved, 'the copy has moved on')
  writer.forget('u1')
  t.equal(writer.latest(lagging), lagging)
})

t.test('who lost to another writer reads again, and decides by what is there now', async (t) => {
  const { server, writer } = open(podAt(5, { reason: 'theirs' }))
  const seen: (string | undefined)[] = []
  const wrote = await writer.write(podAt(1), (pod) => {
    seen.push(pod.status?.reason)
    return phase('Running')(pod)
  })
  t.equal(wrote, true)
  t.same(seen, [undefined, 'theirs'])
  t.match(server.pod?.status, { phase: 'Running', reason: 'theirs' })
})

t.test('a pod that is gone, or another of its name, is left alone', async (t) => {
  const gone = open(undefined)
  t.equal(await gone.writer.write(podAt(1), phase('Running')), false)
  const other = open(podAt(7, {}, 'u2'))
  t.equal(await other.writer.write(podAt(1), phase('Running')), false)
  t.same(other.server.pod?.status, {})
  const replaced = open(podAt(5))
  let turn = 0
  const wrote = await replaced.writer.write(podAt(1), (pod) => {
    if (turn++ === 0) replaced.server.pod = podAt(8)
    else replaced.server.pod = podAt(9, {}, 'u2')
    return phase('Running')(pod)
  })
  t.equal(wrote, false, 'also when that happens meanwhile')
})

t.test('an error is told, and the next try is as good as the first', async (t) => {
  const { server, writer } = open(podAt(1))
  server.isDown = true
  await t.rejects(writer.write(podAt(1), phase('Running')), /no connection/)
  t.same(writer.latest(podAt(1)).status, {}, 'what was not written does not count')
  server.isDown = false
  t.equal(await writer.write(podAt(1), phase('Running')), true)
})

t.test('where others always write first it gives up, and says so', async (t) => {
  const { server, writer } = open(podAt(5))
  let at = 10
  const writing = writer.write(podAt(1), (pod) => {
    server.pod = podAt(at++)
    return phase('Running')(pod)
  })
  await t.rejects(writing, /status of pod default\/web changes faster/)
  t.equal(server.writes, 5)
})
