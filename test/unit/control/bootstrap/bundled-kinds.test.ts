/** The CustomResourceDefinitions of a cluster's first moment: who keeps them, and what becomes of them that others write. */
import t, { type Test } from 'tap'
import { systemClock } from '../../../../src/api/clock.ts'
import { customResourceDefinitions, gatewayClasses, gateways } from '../../../../src/api/resources.ts'
import type { CustomResourceDefinition } from '../../../../src/api/types/kubernetes/apiextensions-v1.ts'
import { bootstrapCluster } from '../../../../src/control/bootstrap/bootstrap.ts'
import { keepBundledKinds } from '../../../../src/control/bootstrap/bundled-kinds.ts'
import { bundleAnnotations, gatewayDefinitions } from '../../../../src/control/bootstrap/gateway/definitions.ts'
import { createBootstrapController } from '../../../../src/control/controllers/bootstrap-objects.ts'
import { type ControlPlane, startControlPlane } from '../../../support/control-plane.ts'
import { recordingLog } from '../../../support/recording-log.ts'
import { until } from '../../../support/until.ts'

const nameOf = (plural: string): string => `${plural}.gateway.networking.k8s.io`
const version = 'gateway.networking.k8s.io/bundle-version'

const kept = async ({ client }: ControlPlane) => {
  const log = recordingLog()
  await keepBundledKinds(client, { clock: systemClock, log: log.log })
  return log.lines
}

const definitionOf = ({ client }: ControlPlane, plural: string) => client.get(customResourceDefinitions, nameOf(plural))

const revisions = async ({ client }: ControlPlane): Promise<readonly (string | undefined)[]> =>
  (await client.list(customResourceDefinitions)).items.map(({ metadata }) => metadata.resourceVersion)

/** The definition without what the server adds, as somebody would apply it. */
const applied = (
  { metadata, spec, status }: CustomResourceDefinition,
  annotations: Readonly<Record<string, string>>,
) => ({
  metadata: { name: metadata.name, resourceVersion: metadata.resourceVersion, annotations },
  ...{ spec, status },
})

t.test('they are served at once, and nothing is written when they are as they should be', async (t) => {
  const plane = await startControlPlane(t)
  t.strictSame(await kept(plane), [])
  const { status, metadata } = await definitionOf(plane, 'gateways')
  t.match(status.conditions, [
    { type: 'NamesAccepted', status: 'True' },
    { type: 'Established', status: 'True' },
  ])
  t.match(metadata.annotations, bundleAnnotations)
  t.ok(await plane.client.serves(gateways))
  const before = await revisions(plane)
  t.equal(before.length, gatewayDefinitions().length)
  t.strictSame(await kept(plane), [])
  t.strictSame(await revisions(plane), before)
})

t.test('several servers that start at once make them together', async (t) => {
  const plane = await startControlPlane(t)
  t.strictSame(await Promise.all([kept(plane), kept(plane), kept(plane)]), [[], [], []])
  for (const { spec } of gatewayDefinitions()) {
    const established = async () =>
      (await definitionOf(plane, spec.names.plural)).status.conditions.some(({ type }) => type === 'Established')
    t.ok(await until(established, spec.names.kind))
  }
})

t.test('those of an earlier start are brought up to date', async (t) => {
  const plane = await startControlPlane(t)
  await kept(plane)
  const [wanted] = gatewayDefinitions()
  if (!wanted) return void t.fail('there is one')
  const older = { ...wanted, spec: { ...wanted.spec, names: { ...wanted.spec.names, shortNames: ['old'] } } }
  await keepBundledKinds(plane.client, { clock: systemClock, log: recordingLog().log }, [older])
  const { plural } = wanted.spec.names
  t.strictSame((await definitionOf(plane, plural)).spec.names.shortNames, ['old'])
  t.strictSame(await kept(plane), [])
  t.strictSame((await definitionOf(plane, plural)).spec, wanted.spec)
  await until(
    async () => (await definitionOf(plane, plural)).status.acceptedNames.shortNames?.[0] === 'gc',
    'its names',
  )
})

const others: Readonly<
  Record<string, (t: Test, plane: ControlPlane, found: CustomResourceDefinition) => Promise<unknown>>
> = {
  'another bundle of the same content': async (_t, { client }, found) =>
    client.update(customResourceDefinitions, applied(found, { ...found.metadata.annotations, [version]: 'v1.4.0' })),
  'the same bundle by another hand': async (_t, { client }, found) => {
    const annotations = { ...found.metadata.annotations }
    delete annotations['podway.dev/bundled']
    return client.update(customResourceDefinitions, applied(found, annotations))
  },
  'a change of what it says': async (_t, { client }, { metadata, spec }) =>
    client.patch(customResourceDefinitions, { metadata }, { spec: { names: { ...spec.names, shortNames: ['mine'] } } }),
}

for (const [what, change] of Object.entries(others))
  t.test(`${what} is left alone, and told of`, async (t) => {
    const plane = await startControlPlane(t)
    await kept(plane)
    await change(t, plane, await definitionOf(plane, 'gateways'))
    const before = await definitionOf(plane, 'gateways')
    const lines = await kept(plane)
    t.equal(lines.length, 1)
    t.match(lines[0], { level: 'info', definition: nameOf('gateways'), channel: 'standard' })
    t.strictSame((await definitionOf(plane, 'gateways')).spec, before.spec)
    t.strictSame((await definitionOf(plane, 'gateways')).metadata.annotations, before.metadata.annotations)
  })

t.test('a newer bundle of a newer server is left alone', async (t) => {
  const plane = await startControlPlane(t)
  const newer = gatewayDefinitions().map(({ metadata, spec }) => ({
    metadata: { ...metadata, annotations: { ...metadata.annotations, [version]: 'v1.10.0' } },
    spec,
  }))
  await keepBundledKinds(plane.client, { clock: systemClock, log: recordingLog().log }, newer)
  const lines = await kept(plane)
  t.equal(lines.length, newer.length)
  t.match(lines[0], { bundleVersion: 'v1.10.0' })
  t.equal((await definitionOf(plane, 'gateways')).metadata.annotations?.[version], 'v1.10.0')
})

t.test('a bundle that does not serve what is read does not keep a server from starting', async (t) => {
  const plane = await startControlPlane(t)
  const { client } = plane
  const old = gatewayDefinitions().map(({ metadata: { name, annotations = {} }, spec }) => ({
    metadata: { name, annotations: { ...annotations, [version]: 'v0.5.0' } },
    spec: { ...spec, versions: spec.versions.slice(0, 1).map((each) => ({ ...each, name: 'v1alpha2' })) },
    status: { conditions: [], acceptedNames: { plural: '', kind: '' }, storedVersions: [] },
  }))
  for (const each of old) await client.create(customResourceDefinitions, each)
  const log = recordingLog()
  const options = { servers: [], apiClusterIP: '10.96.0.1', dnsClusterIP: '10.96.0.10', serviceCIDRs: ['10.96.0.0/16'] }
  await bootstrapCluster(client, options, { clock: systemClock, log: log.log })
  const warned = log.lines.filter(({ level }) => level === 'warn')
  t.strictSame(
    warned.map(({ definition, name }) => definition ?? name),
    [...['gatewayclasses', 'gateways', 'httproutes', 'referencegrants'].map(nameOf), 'podway'],
  )
})

t.test('who reads Gateways goes on without their kinds, and with them when they are back', async (t) => {
  const options = { servers: [], apiClusterIP: '10.96.0.1', dnsClusterIP: '10.96.0.10', serviceCIDRs: ['10.96.0.0/16'] }
  const plane = await startControlPlane(t, {
    more: [createBootstrapController(options)],
    loadBalancerCIDR: '192.0.2.0/28',
  })
  const { client } = plane
  await bootstrapCluster(client, options)
  const make = () =>
    client.create(gateways, {
      metadata: { name: 'gw', namespace: 'default' },
      spec: { gatewayClassName: 'podway', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
    })
  const hasAddress = () =>
    until(async () => (await client.get(gateways, 'gw', 'default')).status?.addresses?.length === 1, 'an address')
  await make()
  t.ok(await hasAddress())
  for (const { metadata } of gatewayDefinitions())
    await client.delete(customResourceDefinitions, { metadata: { name: metadata.name } })
  await until(async () => !(await client.serves(gateways)), 'the kinds to go')
  await until(async () => (await client.list(customResourceDefinitions)).items.length === 0, 'the definitions to go')
  t.notOk(await client.serves(gatewayClasses))

  await kept(plane)
  await until(
    () =>
      client.get(gatewayClasses, 'podway').then(
        () => true,
        () => false,
      ),
    'the class to come back',
  )
  await make()
  t.ok(await hasAddress(), 'with the address that is free again')
})
