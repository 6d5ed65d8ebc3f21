/** Bodies that cost the server much more than they cost who sends them. */
import { type Attack, type RawRequest, tolerableMs, worstWait } from '../attacked-lab.ts'

const configMaps = '/api/v1/namespaces/default/configmaps'
const nested = (open: string, close: string, depth: number): string => `${open.repeat(depth)}${close.repeat(depth)}`

const configMap = (name: string, more: string): string =>
  `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"${name}"${more}}}`

const mapping = (keys: number): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: wide}\ndata:\n${Array.from({ length: keys }, (_, at) => `  k${at}: v`).join('\n')}\n`

const laughs = `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 12 }, (_, at) => {
  const [name, of] = [String.fromCharCode(98 + at), String.fromCharCode(97 + at)]
  return `${name}: &${name} [${Array(9).fill(`*${of}`).join(',')}]`
}).join('\n')}\n`

const yaml = 'application/yaml'

const bodies: readonly { readonly name: string; readonly request: RawRequest }[] = [
  { name: 'a wide mapping in YAML', request: { method: 'POST', path: configMaps, type: yaml, body: mapping(9_000) } },
  {
    name: 'a very wide mapping in YAML',
    request: { method: 'POST', path: configMaps, type: yaml, body: mapping(230_000) },
  },
  { name: 'aliases of aliases in YAML', request: { method: 'POST', path: configMaps, type: yaml, body: laughs } },
  { name: 'deep YAML', request: { method: 'POST', path: configMaps, type: yaml, body: nested('[', ']', 200_000) } },
  { name: 'deep JSON', request: { method: 'POST', path: configMaps, body: nested('[', ']', 1_000_000) } },
  {
    name: 'deep managedFields',
    request: {
      method: 'POST',
      path: configMaps,
      body: configMap(
        'deep',
        `,"managedFields":[{"manager":"m","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}]`,
      ),
    },
  },
  { name: 'a body without end', request: { method: 'POST', path: configMaps, body: Buffer.alloc(12 << 20, 32) } },
  {
    name: 'a patch that doubles',
    request: {
      method: 'PATCH',
      path: `${configMaps}/kube-root`,
      type: 'application/json-patch+json',
      body: JSON.stringify([
        { op: 'add', path: '/data', value: { a: 'x'.repeat(1_000) } },
        ...Array.from({ length: 40 }, (_, at) => ({ op: 'copy', from: '', path: `/data/c${at}` })),
      ]),
    },
  },
  { name: 'a long selector', request: { path: `${configMaps}?labelSelector=${'a%2C'.repeat(3_000)}b` } },
]

export const bodyAttacks: readonly Attack[] = bodies.map(({ name, request }) => ({
  name,
  run: async (t, lab) => {
    const attack = lab.ask(lab.admin, request)
    const innocent = lab.ask(lab.admin, {
      ...{ method: 'PUT', path: `${configMaps}/innocent`, body: configMap('innocent', '') },
    })
    const worst = await worstWait(lab, attack)
    t.ok(worst < tolerableMs, `others waited ${Math.round(worst)} ms at most`)
    const { status, text } = await attack
    t.ok([200, 201, 400, 404, 413, 415, 422].includes(status), `answered with ${status}`)
    t.notMatch(text, /Maximum call stack|node:internal|\.db\b|\/src\/|\/dist\//, 'and nothing of the server in it')
    t.ok([200, 201, 404].includes((await innocent).status), 'the write of somebody else goes through')
  },
}))
