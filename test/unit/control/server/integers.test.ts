/** Integers of 64 bits stay what they are, wherever they go. */
import t from 'tap'
import { integerFrom, parseJson } from '../../../../src/api/json.ts'
import type { Method } from '../../../../src/api/transport.ts'
import { createBodyParser } from '../../../../src/control/server/body/parse.ts'
import { renderList } from '../../../../src/control/server/render.ts'
import { createMemoryBackend } from '../../../../src/control/storage/memory-backend.ts'
import { callOf, createTestApi, type TestApi } from '../../../support/api-server.ts'

const { parse } = createBodyParser()
const wide = '9007199254740993'
const next = '9007199254740994'
const merge = 'application/merge-patch+json'
const never = new AbortController().signal

/** The answer as it goes over the wire. */
const ask = async (
  api: TestApi,
  method: Method,
  path: string,
  body?: string,
  type = 'application/json',
  accept = '',
) => {
  const text = body === undefined ? {} : { text: body }
  const answer = await api.handle(callOf(method, path, { ...text, contentType: type, accept }, never))
  if (answer.kind === 'object') return JSON.stringify(answer.object)
  if (answer.kind === 'list') return [...renderList(answer.list, answer.bare)].join('')
  throw new Error(`an answer of the kind ${answer.kind}`)
}

t.test('JSON is read with them, and written', (t) => {
  const text = `{"a":${wide},"b":[-9223372036854775808,9223372036854775807],"c":1,"d":"${wide}","e":0.1}`
  t.equal(JSON.stringify(parseJson(text)), text)
  for (const [given, written] of [
    ['9223372036854775808', '9223372036854776000'],
    ['1e30', '1e+30'],
    ['9007199254740992.5', '9007199254740992'],
    ['0.10000000000000000555', '0.1'],
    ['9007199254740991', '9007199254740991'],
  ])
    t.equal(JSON.stringify(parseJson(`[${given}]`)), `[${written}]`, 'a double, as in Kubernetes')
  t.equal(integerFrom(5n), 5)
  t.equal(integerFrom(2n ** 63n), undefined)
  t.end()
})

t.test('built-in kinds', async (t) => {
  const backend = createMemoryBackend()
  const api = await createTestApi({ backend })
  const pods = '/api/v1/namespaces/default/pods'
  const pod = (value: string, name: string, field = 'tolerationSeconds') =>
    `{"metadata":{"name":"${name}"},"spec":{"containers":[{"name":"c","image":"i"}],"tolerations":[{"key":"k","operator":"Exists","effect":"NoExecute","${field}":${value}}]}}`
  const made = await ask(api, 'POST', pods, pod(wide, 'a'))
  t.match(made, `"tolerationSeconds":${wide}`)
  t.match(await ask(api, 'GET', pods), `"tolerationSeconds":${wide}`)
  const other = await createTestApi({ backend })
  t.match(await ask(other, 'GET', `${pods}/a`), `"tolerationSeconds":${wide}`, 'kept')
  t.match(
    await ask(
      api,
      'POST',
      pods,
      `metadata: {name: b}\nspec:\n  containers: [{name: c, image: i}]\n  nodeName: n\n  terminationGracePeriodSeconds: ${wide}\n`,
      'application/yaml',
    ),
    `"terminationGracePeriodSeconds":${wide}`,
    'YAML',
  )
  t.match(
    await ask(api, 'DELETE', `${pods}/b`),
    '"deletionTimestamp":"9999-12-31T23:59:59Z"',
    'waits as long as a time can say',
  )
  await t.rejects(ask(api, 'POST', pods, pod('9223372036854775808', 'c')), {
    message: /cannot unmarshal number 9223372036854776000 into Go struct field .*tolerationSeconds of type int64/,
  })
  await t.rejects(ask(api, 'POST', pods, pod('1.5', 'c')), {
    message: /cannot unmarshal number 1.5 into .* of type int64/,
  })
  const deployments = '/apis/apps/v1/namespaces/default/deployments'
  await t.rejects(ask(api, 'POST', deployments, `{"metadata":{"name":"d"},"spec":{"replicas":${wide}}}`), {
    message: new RegExp(`cannot unmarshal number ${wide} into Go struct field Deployment.spec.replicas of type int32`),
  })
  const security = `{"metadata":{"name":"s"},"spec":{"containers":[{"name":"c","image":"i"}],"securityContext":{"runAsUser":${wide}}}}`
  await t.rejects(ask(api, 'POST', pods, security), {
    code: 422,
    message: new RegExp(`runAsUser: Invalid value: ${wide}`),
  })
  const protobuf = Buffer.concat([
    Buffer.from('k8s\0'),
    Buffer.from([0x0a, 9, 0x0a, 2, ...Buffer.from('v1'), 0x12, 3, ...Buffer.from('Pod')]),
    Buffer.from([0x12, 11, 0x12, 9, 0x20, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]),
  ])
  t.match(
    JSON.stringify(await parse(protobuf, 'application/vnd.kubernetes.protobuf')),
    `"terminationGracePeriodSeconds":${wide}`,
  )
})

const schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        size: {
          type: 'integer',
          maximum: 9_000_000_000_000_000_000,
          'x-kubernetes-validations': [{ rule: `self != ${next}`, message: 'not that one' }],
        },
        kind: { type: 'integer', default: '@' },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        list: { type: 'array', items: { type: 'integer' }, 'x-kubernetes-list-type': 'set' },
      },
    },
  },
}

const definition = JSON.stringify({
  metadata: { name: 'widgets.example.com' },
  spec: {
    ...{ group: 'example.com', scope: 'Namespaced', names: { plural: 'widgets', kind: 'Widget', singular: 'widget' } },
    versions: [
      {
        ...{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } },
        additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }],
      },
    ],
  },
}).replace('"@"', wide)

t.test('kinds of users: schemas, defaults, rules, columns, every patch, apply', async (t) => {
  const api = await createTestApi()
  const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  t.match(await ask(api, 'POST', crds, definition), `"default":${wide}`)
  const names = { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' }
  const conditions = ['NamesAccepted', 'Established'].map((type) => ({ type, status: 'True' }))
  await ask(
    api,
    'PATCH',
    `${crds}/widgets.example.com/status`,
    JSON.stringify({ status: { acceptedNames: names, conditions } }),
    merge,
  )
  const widgets = '/apis/example.com/v1/namespaces/default/widgets'
  const widget = (spec: string, name = 'w') =>
    `{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"${name}"},"spec":${spec}}`
  const made = await ask(api, 'POST', widgets, widget(`{"size":${wide},"free":{"a":[${wide}]}}`))
  t.match(made, `"size":${wide}`)
  t.match(made, `"kind":${wide}`, 'a default')
  t.match(made, `"free":{"a":[${wide}]}`)
  t.match(
    await ask(api, 'GET', widgets, undefined, '', 'application/json;as=Table;v=v1;g=meta.k8s.io'),
    `"cells":["w",${wide}`,
  )
  await t.rejects(ask(api, 'POST', widgets, widget(`{"size":${next}}`, 'x')), { message: /not that one/ })
  await t.rejects(ask(api, 'POST', widgets, widget('{"size":9100000000000000000}', 'x')), {
    message: /less than or equal/,
  })
  await t.rejects(ask(api, 'POST', widgets, widget(`{"list":[${wide},${wide}]}`, 'x')), { message: /Duplicate value/ })
  t.match(await ask(api, 'POST', widgets, widget(`{"list":[${wide},${next}]}`, 'x')), `"list":[${wide},${next}]`)

  const patch = (body: string, type: string, path = `${widgets}/w`) => ask(api, 'PATCH', path, body, type)
  t.match(await patch(`{"spec":{"size":9007199254740995}}`, merge), '"size":9007199254740995')
  t.match(
    await patch(
      `[{"op":"test","path":"/spec/size","value":9007199254740995},{"op":"copy","from":"/spec/size","path":"/spec/free/b"},{"op":"replace","path":"/spec/size","value":${wide}}]`,
      'application/json-patch+json',
    ),
    /"size":9007199254740993.*"b":9007199254740995/,
  )
  await t.rejects(patch(`[{"op":"test","path":"/spec/size","value":${next}}]`, 'application/json-patch+json'), {
    code: 422,
  })
  const apply = 'application/apply-patch+yaml'
  const applied = await patch(widget(`{"size":${wide},"list":[${wide}]}`, 'y'), apply, `${widgets}/y?fieldManager=me`)
  t.match(applied, `"v:${wide}":{}`)
  const again = await patch(widget(`{"size":${wide},"list":[${wide}]}`, 'y'), apply, `${widgets}/y?fieldManager=me`)
  t.equal(again, applied, 'nothing changed')
})
