/** Our CustomResourceDefinitions beside those of the standard channel that a work tree of the Gateway API has. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { isJsonObject, type JsonObject } from '../../../src/api/json.ts'
import { bundleAnnotations, gatewayDefinitions } from '../../../src/control/bootstrap/gateway/definitions.ts'
import { createMemoryBackend } from '../../../src/control/storage/memory-backend.ts'
import { createTestApi } from '../../support/api-server.ts'

const folder = process.env['PODWAY_GATEWAY_SUITE']
const skip = folder === undefined && 'PODWAY_GATEWAY_SUITE names no work tree of kubernetes-sigs/gateway-api'

const definitionsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

/** What we serve beyond the standard channel, by the last parts of its path. */
const ours = ['rules.items.properties.retry', 'tls.properties.frontendValidation']

/** Words are everybody's own, and so is how a rule says what it demands: how rules judge is seen by objects. */
const facts = (value: unknown, path = ''): unknown => {
  if (Array.isArray(value)) return value.map((item) => facts(item, path))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, item]) => !(name === 'description' && typeof item === 'string'))
      .map(([name, item]) => [name, item, path === '' ? name : `${path}.${name}`] as const)
      .filter(([name, , at]) => name !== 'x-kubernetes-validations' && !ours.some((each) => at.endsWith(each)))
      .map(([name, item, at]) => [
        name,
        name === 'required' && Array.isArray(item) ? item.toSorted() : facts(item, at),
      ]),
  )
}

/** Where rules stand. */
const ruled = (value: unknown, path = ''): readonly string[] => {
  if (Array.isArray(value)) return value.flatMap((item) => ruled(item, path))
  if (!isJsonObject(value)) return []
  return Object.entries(value).flatMap(([name, item]) =>
    name === 'x-kubernetes-validations' ? [path] : ruled(item, `${path}.${name}`),
  )
}

const theirsOf = (plural: string): JsonObject => {
  const file = `config/crd/standard/gateway.networking.k8s.io_${plural}.yaml`
  const found: unknown = parse(readFileSync(join(folder ?? '', file), 'utf8'))
  if (!isJsonObject(found)) throw new Error(`${file} holds no definition`)
  return found
}

const objectAt = (value: JsonObject, name: string): JsonObject => {
  const found = value[name]
  return isJsonObject(found) ? found : {}
}

const byName = (versions: readonly unknown[]) =>
  Object.fromEntries(versions.map((version) => [isJsonObject(version) ? String(version['name']) : '', facts(version)]))

t.test('they are the same but for words, and what we serve beside them', { skip }, async (t) => {
  const release = objectAt(objectAt(theirsOf('gateways'), 'metadata'), 'annotations')
  const wanted = bundleAnnotations['gateway.networking.k8s.io/bundle-version']
  if (release['gateway.networking.k8s.io/bundle-version'] !== wanted)
    return t.skip(`the work tree is not that of ${wanted}`, () => undefined)
  for (const { metadata, spec } of gatewayDefinitions()) {
    const theirs = theirsOf(spec.names.plural)
    const { name, labels, annotations } = objectAt(theirs, 'metadata')
    t.strictSame(metadata, { name, ...(labels ? { labels } : {}), annotations })
    const { versions, conversion: _, ...rest } = spec
    const { versions: theirVersions, ...theirRest } = objectAt(theirs, 'spec')
    t.strictSame(rest, theirRest, spec.names.kind)
    const all: readonly unknown[] = Array.isArray(theirVersions) ? theirVersions : []
    const served = all.filter((version) => isJsonObject(version) && version['served'] === true)
    t.strictSame(byName(versions), byName(served), spec.names.kind)
    const [first] = served
    t.strictSame(
      ruled(versions[0]?.schema).toSorted(),
      ruled(isJsonObject(first) ? first['schema'] : undefined).toSorted(),
      `${spec.names.kind}: where rules stand`,
    )
  }
})

const channels = ['standard', 'experimental']

for (const channel of channels)
  t.test(`theirs of the ${channel} channel take the place of ours by being applied`, { skip }, async (t) => {
    const backend = createMemoryBackend()
    const api = await createTestApi({ bundled: true, backend })
    const parts = join(folder ?? '', 'config/crd', channel)
    const definitions = readdirSync(parts)
      .flatMap((file) => parseAllDocuments(readFileSync(join(parts, file), 'utf8')))
      .map((document): unknown => document.toJS())
      .filter(isJsonObject)
      .filter(({ kind }) => kind === 'CustomResourceDefinition')
    for (const body of definitions) {
      const name = String(objectAt(body, 'metadata')['name'])
      const reply = await api.request('PATCH', `${definitionsPath}/${name}?fieldManager=they&force=true`, {
        ...{ body, contentType: 'application/apply-patch+yaml' },
      })
      t.ok(reply.code < 300, `${name}: ${reply.body['message']}`)
    }
    // The next start.
    const next = await createTestApi({ bundled: true, backend })
    for (const body of definitions) {
      const name = String(objectAt(body, 'metadata')['name'])
      const { body: kept } = await next.request('GET', `${definitionsPath}/${name}`)
      const stored: unknown = JSON.parse(JSON.stringify(kept))
      if (isJsonObject(stored)) t.match(objectAt(stored, 'spec'), objectAt(body, 'spec'), name)
    }
    const listeners = [{ name: 'a', port: 80, protocol: 'HTTP', tls: { options: { 'x.io/y': 'z' } } }]
    const refused = await next.request('POST', '/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways', {
      body: { metadata: { name: 'x' }, spec: { gatewayClassName: 'x', listeners } },
    })
    t.equal(refused.code, 422)
    t.notMatch(refused.body['message'], /tls is not for the protocols/, 'in their words')
  })
