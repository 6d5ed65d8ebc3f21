/** A controller that fails begins anew, from nothing. */
import t from 'tap'
import { aborted } from '../../../../src/api/clock.ts'
import { configMaps } from '../../../../src/api/resources.ts'
import type { CreateController } from '../../../../src/control/controllers/controller.ts'
import { startControlPlane } from '../../../support/control-plane.ts'
import { until } from '../../../support/until.ts'

t.test('a controller that failed is called once for a change, by its present life', async (t) => {
  const heard: string[] = []
  let lives = 0
  let fail = (_: Error): void => undefined
  const create: CreateController = ({ informers }) => {
    const life = ++lives
    return {
      name: 'test',
      run: async (signal) => {
        const copies = informers.of(configMaps)
        copies.onChange((key) => heard.push(`${life} ${key}`))
        informers.each(
          ({ definition, copies: each }) =>
            each.onChange((key) => {
              if (definition.plural === 'configmaps') heard.push(`${life} each ${key}`)
            }),
          signal,
        )
        const { promise, reject } = Promise.withResolvers<void>()
        fail = reject
        await Promise.race([promise, aborted(signal)])
      },
    }
  }
  const { client } = await startControlPlane(t, { more: [create] })
  await until(() => lives === 1, 'the first life')
  fail(new Error('broken'))
  await until(() => lives === 2, 'the second life')
  heard.length = 0
  await client.create(configMaps, { metadata: { name: 'a', namespace: 'default' } })
  await until(() => heard.length >= 2, 'the change')
  t.same(heard, ['2 default/a', '2 each default/a'])
})
