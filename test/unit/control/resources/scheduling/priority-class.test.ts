import t from 'tap'
import { createTestApi } from '../../../../support/api-server.ts'
import { testKind } from '../../../../support/kind-case.ts'

t.test(
  'PriorityClass',
  testKind({
    kind: 'PriorityClass',
    created: [
      [{}, { value: 0, preemptionPolicy: 'PreemptLowerPriority' }],
      [
        { value: -5, description: 'last', preemptionPolicy: 'Never' },
        { value: -5, description: 'last', preemptionPolicy: 'Never' },
      ],
    ],
    refused: [
      [{ value: 1_000_000_001 }, ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000']],
      [
        { preemptionPolicy: 'Always' },
        ['preemptionPolicy: Unsupported value: "Always": supported values: "Never", "PreemptLowerPriority"'],
      ],
    ],
    changed: [
      [{ description: 'other' }, []],
      [{ value: 8 }, ['Value: Forbidden: may not be changed in an update.']],
      [{ preemptionPolicy: 'Never' }, ['preemptionPolicy: Invalid value: "Never": field is immutable']],
    ],
    cells: ['base', 7, false, '0s'],
  }),
)

const path = '/apis/scheduling.k8s.io/v1/priorityclasses'

t.test('names of the system are for its own classes, which nobody deletes', async (t) => {
  const api = await createTestApi()
  const create = (name: string, content: object) =>
    api.request('POST', path, { body: { metadata: { name }, ...content } })
  const refusal = async (name: string, content: object) =>
    (await create(name, content)).body['details']?.['causes']?.[0]
  const reserved = "Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: "
  t.match(await refusal('system-mine', { value: 1 }), {
    field: 'metadata.name',
    message: `${reserved}system-mine is not a known system priority class`,
  })
  const value = 2_000_001_000
  t.match(await refusal('system-node-critical', { value: 1 }), {
    message: `${reserved}value of system-node-critical PriorityClass must be ${value}`,
  })
  t.match(await refusal('system-node-critical', { value, globalDefault: true }), {
    message: `${reserved}globalDefault of system-node-critical PriorityClass must be false`,
  })
  const made = await create('system-node-critical', { value })
  t.equal(made.code, 201)
  t.equal(made.body['metadata']?.['generation'], 1)
  for (const version of ['v1', 'v1beta1']) {
    const item = await api.request('DELETE', `/apis/scheduling.k8s.io/${version}/priorityclasses/system-node-critical`)
    t.equal(item.code, 403)
    t.match(item.body['message'], /this is a system priority class and cannot be deleted$/)
    t.equal((await api.request('DELETE', `/apis/scheduling.k8s.io/${version}/priorityclasses`)).code, 403)
  }
})

t.test('one class at most is the default', async (t) => {
  const api = await createTestApi()
  const body = (name: string) => ({ metadata: { name }, value: 1, globalDefault: true })
  t.equal((await api.request('POST', path, { body: body('a') })).code, 201)
  const second = await api.request('POST', path, { body: body('b') })
  t.equal(second.code, 403)
  t.match(second.body['message'], /PriorityClass a is already marked as default. Only one default can exist$/)
  t.equal((await api.request('PUT', `${path}/a`, { body: { ...body('a'), description: 'x' } })).code, 200)
})
