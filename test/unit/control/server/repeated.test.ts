/** A field that stands twice: the last one counts, and the query says who hears of it. */
import t from 'tap'
import { repeatedFields } from '../../../../src/control/server/body/repeated.ts'
import { createTestApi } from '../../../support/api-server.ts'

const maps = '/api/v1/namespaces/default/configmaps'

t.test('they are found, wherever they are', (t) => {
  for (const [text, ...found] of [
    ['{"a":1}'],
    ['{"a":1,"b":{"a":2},"a":3}', 'a'],
    [' { "a" : [ { "b\\"" : 1 , "b\\"" : true } , {"b":1} ] , "c" : null , "c" : -1.5e3 } ', 'a[0].b\\"', 'c'],
    ['{"x":{"y":1,"y":{"y":1},"y":[]},"x":{}}', 'x.y', 'x'],
    ['[{"op":"a","op":"b"}]', '[0].op'],
    ['{"__proto__":1,"__proto__":2}', '__proto__'],
    ['{"a":"{\\"b\\":1,\\"b\\":2}"}'],
    ['5'],
  ] as const)
    t.same(
      repeatedFields(text),
      found.map((path) => `duplicate field "${path}"`),
      text,
    )
  t.end()
})

t.test('JSON and YAML, objects and patches', async (t) => {
  const api = await createTestApi()
  const json = 'application/json'
  const text = '{"metadata":{"name":"a"},"data":{"k":"1","k":"2"}}'
  const send = (method: 'POST' | 'PATCH', path: string, body: string, contentType: string) =>
    api.request(method, path, { text: body, contentType })
  t.match(await send('POST', maps, text, json), {
    code: 201,
    body: { data: { k: '2' } },
    warnings: ['duplicate field "data.k"'],
  })
  t.match(await send('POST', `${maps}?fieldValidation=Ignore&dryRun=All`, text.replace('"a"', '"b"'), json), {
    ...{ code: 201, warnings: [] },
  })
  t.match(await send('POST', `${maps}?fieldValidation=Strict`, text.replace('"a"', '"b"'), json), {
    code: 400,
    body: { message: /strict decoding error: duplicate field "data.k"$/ },
  })
  const yaml = 'metadata:\n  name: c\ndata:\n  k: "1"\n  k: "2"\n'
  t.match(await send('POST', maps, yaml, 'application/yaml'), {
    ...{ code: 201, body: { data: { k: '2' } }, warnings: ['line 5: key "k" already set in map'] },
  })
  const merge = 'application/merge-patch+json'
  t.match(await send('PATCH', `${maps}/a`, '{"data":{"k":"3","k":"4"}}', merge), {
    ...{ code: 200, body: { data: { k: '4' } }, warnings: ['duplicate field "data.k"'] },
  })
  t.match(await send('PATCH', `${maps}/a?fieldValidation=Strict`, '{"data":{"k":"3","k":"4"}}', merge), { code: 400 })
  const apply = 'application/apply-patch+yaml'
  const wish = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: d}\ndata:\n  k: "1"\n  k: "2"\n'
  t.match(await send('PATCH', `${maps}/d?fieldManager=me`, wish, apply), {
    ...{ code: 201, body: { data: { k: '2' } }, warnings: ['line 6: key "k" already set in map'] },
  })
})
