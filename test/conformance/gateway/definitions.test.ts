/** Our CustomResourceDefinitions beside those of the standard channel that a work tree of the Gateway API has. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { isJsonObject } from '../../../src/api/json.ts'
import { gatewayDefinitions } from '../../../src/control/bootstrap/gateway/definitions.ts'

const folder = process.env['PODWAY_GATEWAY_SUITE']
const skip = folder === undefined && 'PODWAY_GATEWAY_SUITE names no work tree of kubernetes-sigs/gateway-api'

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

t.test('they are the same but for words, and what we serve beside them', { skip }, async (t) => {
  for (const { metadata, spec } of gatewayDefinitions()) {
    const file = `gateway.networking.k8s.io_${spec.names.plural}.yaml`
    const theirs: unknown = parse(readFileSync(join(folder ?? '', 'config/crd/standard', file), 'utf8'))
    const [theirMetadata, theirSpec] = isJsonObject(theirs) ? [theirs['metadata'], theirs['spec']] : []
    if (!isJsonObject(theirMetadata) || !isJsonObject(theirSpec) || !Array.isArray(theirSpec['versions']))
      return void t.fail(file)
    t.equal(metadata.name, theirMetadata['name'])
    t.strictSame(metadata.labels, theirMetadata['labels'])
    const { versions, conversion: _, ...rest } = spec
    const { versions: theirVersions, ...theirRest } = theirSpec
    t.strictSame(rest, theirRest, spec.names.kind)
    const served = theirVersions.filter((version: unknown) => isJsonObject(version) && version['served'] === true)
    const byName = (all: readonly unknown[]) =>
      Object.fromEntries(all.map((version) => [isJsonObject(version) ? String(version['name']) : '', facts(version)]))
    t.strictSame(byName(versions), byName(served), spec.names.kind)
    t.strictSame(
      ruled(versions[0]?.schema).toSorted(),
      ruled(served[0]?.['schema']).toSorted(),
      `${spec.names.kind}: rules`,
    )
  }
})
