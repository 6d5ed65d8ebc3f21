import t from 'tap'
import { createConfigSource } from '../../../../src/agent/env/config-source.ts'
import { createClient } from '../../../../src/api/client.ts'
import { createFakeClock } from '../../../../src/api/clock.ts'
import { configMaps, secrets } from '../../../../src/api/resources.ts'
import type { Pod } from '../../../../src/api/types/index.ts'
import { openClusterApi } from '../../../support/cluster-api.ts'

const pod: Pod = {
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' } },
  spec: {
    containers: [{ name: 'main', envFrom: [{ configMapRef: { name: 'conf' } }, { secretRef: { name: 'keys' } }] }],
  },
}

t.test('what is mentioned is fetched once in a while', async (t) => {
  const clock = createFakeClock()
  const api = await openClusterApi({ clock })
  const client = createClient(api)
  const configOf = createConfigSource({ client, clock, cacheMs: 1000 })
  await client.create(configMaps, { metadata: { name: 'conf', namespace: 'shop' }, data: { a: '1' } })
  const first = await configOf(pod)
  t.match(first.configMaps.get('conf'), { data: { a: '1' } })
  t.equal(first.secrets.size, 0, 'what is not there is left out')
  await client.create(secrets, { metadata: { name: 'keys', namespace: 'shop' } })
  const gets = () => api.calls.filter((call) => call.startsWith('GET')).length
  const before = gets()
  t.match((await configOf(pod)).secrets.get('keys'), { kind: 'Secret' }, 'absence is not remembered')
  t.equal(gets(), before + 1)
  await configOf(pod)
  t.equal(gets(), before + 1)
  clock.advance(1000)
  await configOf(pod)
  t.equal(gets(), before + 3)
})

t.test('a failure is not remembered', async (t) => {
  const api = await openClusterApi()
  const configOf = createConfigSource({ client: createClient(api) })
  api.interfere(() => {
    throw new Error('down')
  })
  await t.rejects(configOf(pod), /down/)
  api.interfere(undefined)
  t.same((await configOf(pod)).configMaps.size, 0)
})
