/**
 * The Gateway API's own tests of the rules of its definitions: what they accept and refuse, ours accept and refuse. Words of
 * rules are not compared. See the README beside this file.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { isJsonObject } from '../../../src/api/json.ts'
import { createTestApi, type TestApi } from '../../support/api-server.ts'
import { parseGo } from './go/parse.ts'
import { isFields, isFunction, openSource, type World } from './go/run.ts'
import { jsonOf, readStructs, type Structs } from './go/structs.ts'
import { goTest } from './go-test.ts'
import { constantsIn } from './suite.ts'

const folder = process.env['PODWAY_GATEWAY_SUITE']
const skip = folder === undefined && 'PODWAY_GATEWAY_SUITE names no work tree of kubernetes-sigs/gateway-api'

const plurals: Readonly<Record<string, string>> = {
  GatewayClass: 'gatewayclasses',
  Gateway: 'gateways',
  HTTPRoute: 'httproutes',
  GRPCRoute: 'grpcroutes',
  BackendTLSPolicy: 'backendtlspolicies',
}

/** The files that are about kinds of the standard channel, and what each of them is about. */
const files: Readonly<Record<string, string>> = {
  'gatewayclass_test.go': 'GatewayClass',
  'gateway_test.go': 'Gateway',
  'httproute_test.go': 'HTTPRoute',
  'httproute_standard_test.go': 'HTTPRoute',
  'grpcroute_test.go': 'GRPCRoute',
  'backendtlspolicy_test.go': 'BackendTLSPolicy',
}

/** Words of rules are our own. */
const matching = parseGo(
  'package main\nfunc celErrorStringMatches(got, want string) bool {\n\treturn messages.Match(got, want)\n}\n',
)
const ofSchema = / in body |Too many|Too long|Unsupported value|Required value|Duplicate value/

const isMessage = (got: unknown, want: unknown): boolean => {
  // There, paths in what is said of a status begin below it.
  const [told, wanted] = [String(got).replaceAll('status.', ''), String(want)]
  return !ofSchema.test(wanted) || told.includes(wanted) || told.includes(wanted.replaceAll('more', 'longer'))
}

/** As far as metadata is used. */
const meta = `
type ObjectMeta struct {
	Name string \`json:"name,omitempty"\`
	Namespace string \`json:"namespace,omitempty"\`
}
type Condition struct {
	Type string \`json:"type"\`
	Status string \`json:"status"\`
	Reason string \`json:"reason"\`
	Message string \`json:"message"\`
}
`

/** A client of Go for one kind: objects go as Go would send them, and what comes back is its error. */
const clientOf = (api: TestApi, kind: string, structs: Structs): World['functions'] => {
  const ask = async (method: 'POST' | 'PUT', value: unknown, path: (name: string) => string): Promise<unknown> => {
    const sent = jsonOf(value, kind, structs)
    if (!isJsonObject(sent) || !isFields(value)) throw new Error(`no ${kind} is sent`)
    const name = String(value['Name'] ?? (isFields(value['ObjectMeta']) ? value['ObjectMeta']['Name'] : ''))
    const url = `/apis/gateway.networking.k8s.io/v1${kind === 'GatewayClass' ? '' : '/namespaces/default'}/${plurals[kind]}`
    const metadata = { name, ...(kind === 'GatewayClass' ? {} : { namespace: 'default' }) }
    const { code, body } = await api.request(method, `${url}${path(name)}`, { body: { ...sent, metadata } })
    const message = String(body['message'])
    if (code < 300) return null
    if (code !== 422) throw new Error(message)
    return { Error: () => message }
  }
  return {
    'k8sClient.Create': (_context, value) => ask('POST', value, () => ''),
    'k8sClient.Update': (_context, value) => ask('PUT', value, (name) => `/${name}`),
    'k8sClient.Status': () => ({
      Update: (_context: unknown, value: unknown) => ask('PUT', value, (name) => `/${name}/status`),
    }),
  }
}

t.test('what the rules accept and refuse', { skip, timeout: 300_000 }, async (t) => {
  const root = folder ?? ''
  const types = join(root, 'apis/v1')
  const structs = readStructs([
    meta,
    ...readdirSync(types)
      .filter((file) => file.endsWith('_types.go'))
      .map((file) => readFileSync(join(types, file), 'utf8')),
  ])
  const constants = new Map<string, unknown>([
    ...constantsIn(types),
    ...[
      ['NamespaceDefault', 'default'],
      ['GroupName', ''],
      ['ConditionTrue', 'True'],
    ].map(([name = '', value]) => [name, value] as const),
  ])
  const api = await createTestApi({ bundled: true })
  let moments = 0
  const sources = new Map(
    Object.keys(files).map((file) => [file, parseGo(readFileSync(join(root, 'tests/cel', file), 'utf8'))] as const),
  )
  // Files use what others declare.
  const declarations = [...sources.values(), matching].flatMap((source) => source.declarations)
  for (const [file, { declarations: own }] of sources)
    await t.test(file, async (t) => {
      const kind = files[file] ?? ''
      const world: World = {
        constants,
        methods: { DeepCopy: (value) => structuredClone(value) },
        functions: {
          ...clientOf(api, kind, structs),
          'messages.Match': isMessage,
          'context.Background': () => null,
          'time.Now': () => ({ UnixNano: () => ++moments }),
          'fmt.Sprintf': (form, ...values) =>
            values.reduce<string>((text, value) => text.replace(/%[vqs]/, String(value)), String(form)),
        },
      }
      const opened = openSource({ declarations }, world)
      for (const { name } of own.filter((each) => each.name.startsWith('Test')))
        await t.test(name, async (t) => {
          const run = await opened.value(name)
          if (!isFunction(run)) return void t.fail('is no test')
          await run(goTest(t))
          t.pass('as the suite wants it')
        })
    })
})
