import t from 'tap'
import { hasStorageLimit, storageExcess } from '../../../../src/agent/eviction/storage-limits.ts'
import type { Pod } from '../../../../src/api/types/index.ts'
import { pod } from '../pods/builders.ts'

const limited = (...limits: readonly (string | undefined)[]): Pod =>
  pod({
    containers: limits.map((limit, at) => ({
      name: `c${at}`,
      ...(limit === undefined ? {} : { resources: { limits: { 'ephemeral-storage': limit } } }),
    })),
  })

const withVolume = (emptyDir: object): Pod => {
  const volume = { name: 'cache', emptyDir }
  return pod({ volumes: [volume] })
}

const excess = (
  of: Pod,
  volumes: Readonly<Record<string, number>>,
  containers: Readonly<Record<string, number>> = {},
) => storageExcess(of, { volumes: new Map(Object.entries(volumes)), containers: new Map(Object.entries(containers)) })

t.test('the size of an empty folder', async (t) => {
  const of = withVolume({ sizeLimit: '1Mi' })
  t.equal(excess(of, { cache: 2 ** 20 }), undefined)
  t.equal(excess(of, { cache: 2 ** 20 + 1 }), 'Usage of EmptyDir volume "cache" exceeds the limit "1Mi". ')
  for (const emptyDir of [{}, { sizeLimit: '0' }, { sizeLimit: '1Mi', medium: 'Memory' }, { sizeLimit: {} }]) {
    t.equal(excess(withVolume(emptyDir), { cache: 1e12 }), undefined, JSON.stringify(emptyDir))
    t.notOk(hasStorageLimit(withVolume(emptyDir)))
  }
  t.ok(hasStorageLimit(of))
})

t.test('a container, and the pod', async (t) => {
  t.notOk(hasStorageLimit(limited(undefined)))
  t.equal(excess(limited(undefined), {}, { c0: 1e12 }), undefined)
  const two = limited('1Ki', '3Ki')
  t.ok(hasStorageLimit(two))
  t.equal(excess(two, {}, { c0: 1024, c1: 3072 }), undefined)
  t.equal(excess(two, {}, { c0: 1025 }), 'Container c0 exceeded its local ephemeral storage limit "1Ki". ')
  t.equal(
    excess(two, { cache: 4097 }),
    'Pod ephemeral local storage usage exceeds the total limit of containers 4Ki. ',
    "volumes are the pod's",
  )
  t.match(excess(limited('1Ki', undefined), {}, { c1: 1025 }), /total limit of containers 1Ki/)
})

t.test('an init container may take more than all others, before them', async (t) => {
  const of = limited('1Ki')
  const init = { name: 'init', resources: { limits: { 'ephemeral-storage': '1Mi' } } }
  const both: Pod = { ...of, spec: { ...of.spec, initContainers: [init] } }
  t.equal(excess(both, {}, { init: 2 ** 20 }), undefined)
  t.match(excess(both, {}, { init: 2 ** 20 + 1 }), /total limit of containers 1Mi/)
})
