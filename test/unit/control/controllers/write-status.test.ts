import t from 'tap'
import type { Client } from '../../../../src/api/client.ts'
import { pods } from '../../../../src/api/resources.ts'
import type { Pod } from '../../../../src/api/types/index.ts'
import { writeStatus } from '../../../../src/control/controllers/write-status.ts'

/** What is patched, if anything is. */
const written = async (status: object | undefined, wanted: object, keep?: readonly string[]) => {
  const patches: unknown[] = []
  const client = { patch: async (...args: readonly unknown[]) => void patches.push(args.slice(2)) }
  const pod = {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', uid: 'u1' }, spec: { containers: [] } },
    ...(status ? { status } : {}),
  } as Pod
  await writeStatus(client as unknown as Client, pods, pod, wanted, ...(keep ? [keep] : []))
  return patches
}
const patchOf = (status: object) => [[{ metadata: { uid: 'u1' }, status }, 'status']]

t.test('what is as it was is not written', async (t) => {
  t.same(await written({ replicas: 3, other: 1 }, { replicas: 3 }), [])
  t.same(
    await written({ conditions: [{ type: 'A', status: 'True' }] }, { conditions: [{ status: 'True', type: 'A' }] }),
    [],
  )
  t.same(await written(undefined, {}), [])
  t.same(await written(undefined, { replicas: 0, conditions: [] }), [], 'nothing is what it was')
})

t.test('a change writes the fields that are named, for this very object, and no others', async (t) => {
  t.same(
    await written({ replicas: 3, readyReplicas: 2, other: 1 }, { replicas: 3, readyReplicas: 3 }),
    patchOf({ replicas: 3, readyReplicas: 3 }),
  )
  t.same(await written(undefined, { replicas: 1 }), patchOf({ replicas: 1 }))
})

t.test('zero and empty lists go, but for those that are to stay', async (t) => {
  t.same(
    await written({ replicas: 3, conditions: ['x'] }, { replicas: 0, conditions: [] }),
    patchOf({ replicas: null, conditions: null }),
  )
  t.same(await written({ replicas: 3 }, { replicas: 0 }, ['replicas']), patchOf({ replicas: 0 }))
  t.same(await written({}, { replicas: 0 }, ['replicas']), patchOf({ replicas: 0 }))
  t.same(await written({ replicas: 0 }, { replicas: 0 }, ['replicas']), [])
  t.same(
    await written({ reason: 'x' }, { reason: undefined, text: '', flag: false }),
    patchOf({ reason: null, text: '', flag: false }),
  )
})
