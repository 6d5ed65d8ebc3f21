/** PodDisruptionBudgets, in both versions. */
import t from 'tap'
import type { KubeObject } from '../../../../src/api/types/index.ts'
import { inAllVersions, inVersion, toStored } from '../../../../src/control/resources/definition.ts'
import { podDisruptionBudget } from '../../../../src/control/resources/policy/pod-disruption-budget.ts'
import { columnsOf, createCase, type Refusal, refusals } from '../../../support/kind-case.ts'

const v1 = 'policy/v1 poddisruptionbudgets'
const v1beta1 = 'policy/v1beta1 poddisruptionbudgets'
const selector = { matchLabels: { app: 'a' } }

t.test('a budget is kept, shown and counted', async (t) => {
  const { body, row, patch, api, path } = await createCase(v1, { spec: { minAvailable: '50%', selector } })
  t.strictSame(
    [body['spec'], body['status'], body['metadata']?.['generation']],
    [
      { minAvailable: '50%', selector },
      { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
      1,
    ],
  )
  t.match(await patch({ spec: { minAvailable: null, maxUnavailable: 0 } }), {
    code: 200,
    body: { metadata: { generation: 2 } },
  })
  const disruptedPods = { 'web-0': '2026-01-01T00:00:00Z' }
  t.match(await patch({ status: { disruptionsAllowed: 2, disruptedPods } }, 'status'), {
    code: 200,
    body: { status: { disruptionsAllowed: 2, disruptedPods }, metadata: { generation: 2 } },
  })
  t.strictSame(await row(), {
    ...{ Name: 'x', 'Min Available': 'N/A', 'Max Unavailable': '0', 'Allowed Disruptions': 2, Age: '0s' },
  })
  const put = await api.request('PUT', path, { body: { metadata: { name: 'x' }, spec: { minAvailable: 1 } } })
  t.match(put, { code: 422, body: { message: /metadata.resourceVersion: Invalid value: 0: must be specified for an/ } })
})

t.test('a budget is refused, field by field', async (t) => {
  const cases: readonly Refusal[] = [
    [{ spec: { minAvailable: 1, maxUnavailable: 1 } }, 'spec FieldValueInvalid'],
    [{ spec: { minAvailable: -1 } }, 'spec.minAvailable FieldValueInvalid'],
    [{ spec: { minAvailable: '1' } }, 'spec.minAvailable FieldValueInvalid'],
    [{ spec: { maxUnavailable: '101%' } }, 'spec.maxUnavailable FieldValueInvalid'],
    [{ spec: { unhealthyPodEvictionPolicy: 'Never' } }, 'spec.unhealthyPodEvictionPolicy FieldValueNotSupported'],
    [
      { spec: { selector: { matchExpressions: [{ key: 'a', operator: 'Is' }] } } },
      'spec.selector.matchExpressions[0].operator FieldValueInvalid',
    ],
  ]
  for (const collection of [v1, v1beta1])
    t.strictSame(
      await refusals(collection, cases),
      cases.map(([, ...wanted]) => wanted),
    )
})

t.test('an empty selector keeps its meaning in the other version', async (t) => {
  const label = 'pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match'
  const all = await createCase(v1, { spec: { minAvailable: 1, selector: {} } })
  const beta = all.path.replace('/v1/', '/v1beta1/')
  const shown = await all.api.request('GET', beta)
  t.strictSame(shown.body['spec']?.['selector'], { matchExpressions: [{ key: label, operator: 'DoesNotExist' }] })
  const none = await createCase(v1beta1, { spec: { minAvailable: 1, selector: {} } })
  t.strictSame(none.body['spec']?.['selector'], {})
  const kept = await none.api.request('GET', none.path.replace('/v1beta1/', '/v1/'))
  t.strictSame(kept.body['spec']?.['selector'], { matchExpressions: [{ key: label, operator: 'Exists' }] })
  const [, row] = inAllVersions(podDisruptionBudget)
  if (!row) throw new Error('there is no other version')
  for (const each of [undefined, {}, selector, { matchExpressions: [{ key: label, operator: 'Exists' }] }]) {
    const stored = {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'x' },
      spec: { selector: each },
    }
    const back = toStored(row, inVersion(row, stored as KubeObject))
    t.strictSame({ ...back, apiVersion: 'policy/v1' }, stored)
  }
})

t.test('the table has the columns of Kubernetes', async (t) => {
  for (const collection of [v1, v1beta1])
    t.strictSame(await columnsOf(collection), [
      ...['Name string name 0', 'Min Available string - 0', 'Max Unavailable string - 0'],
      ...['Allowed Disruptions integer - 0', 'Age string - 0'],
    ])
})
