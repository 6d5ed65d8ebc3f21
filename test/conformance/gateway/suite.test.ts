/** The Gateway API's own conformance tests, as far as they are claimed. See the README beside this file. */
import t, { type Test } from 'tap'
import { supportedFeatures } from '../../../src/proxy/ingress/gateway/features.ts'
import { createCertificates, startCluster } from './cluster.ts'
import type { Source } from './go/parse.ts'
import { isFields, isFunction, openSource, type World } from './go/run.ts'
import { goTest } from './go-test.ts'
import { ownSteps } from './own-steps.ts'
import { functionsOf, methods } from './packages.ts'
import { readSuite, type Suite, type SuiteTest } from './suite.ts'

const folder = process.env['PODWAY_GATEWAY_SUITE']

const claimed = new Set(supportedFeatures.map(({ name }) => name))

const runTest = async (t: Test, test: SuiteTest, everything: Source, world: World): Promise<void> => {
  if ('unread' in test.steps) return void t.fail(test.steps.unread)
  const found = await openSource(everything, world).value(test.steps.variable)
  const run = isFields(found) ? found['Test'] : undefined
  if (!isFunction(run)) return void t.fail('the suite has no steps for it')
  const capture = world.functions['RoundTripper.CaptureRoundTrip']
  const suite = {
    ...{
      RoundTripper: { CaptureRoundTrip: capture },
      Client: { Delete: world.functions['Client.Delete'] },
      TimeoutConfig: {},
    },
    ControllerName: 'podway.dev/gateway',
  }
  await run(goTest(t), suite)
  t.pass('as the suite wants it')
}

const runAll = async (t: Test, suite: Suite): Promise<void> => {
  const cluster = await startCluster(t)
  await cluster.apply(suite.manifest('base/manifests.yaml'))
  const authority = await createCertificates(cluster.client)
  const world: World = { functions: functionsOf(cluster, { ca: authority.cert }), methods, constants: suite.constants }
  const only = process.env['PODWAY_GATEWAY_TEST']
  for (const test of suite.tests.filter(
    ({ features, name }) => features.every((each) => claimed.has(each)) && (only === undefined || name === only),
  ))
    await t.test(test.name, async (t) => {
      const undo: (() => Promise<void>)[] = []
      try {
        for (const path of test.manifests) undo.push(await cluster.apply(suite.manifest(path)))
        const own = ownSteps[test.name]
        if (own) await own(t, cluster)
        else await runTest(t, test, suite.everything, world)
      } catch (error) {
        t.fail(error instanceof Error ? error.message : String(error))
      } finally {
        for (const each of undo.reverse()) await each()
      }
    })
}

const skip = folder === undefined && 'PODWAY_GATEWAY_SUITE names no work tree of kubernetes-sigs/gateway-api'

t.test('core and what is claimed', { skip }, async (t) => {
  if (folder === undefined) return
  await runAll(t, readSuite(folder))
})
