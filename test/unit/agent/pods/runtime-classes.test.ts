import t from 'tap'
import { createRuntimeClasses } from '../../../../src/agent/pods/runtime-classes.ts'
import type { Client } from '../../../../src/api/client.ts'
import { createClient } from '../../../../src/api/client.ts'
import { createFakeClock } from '../../../../src/api/clock.ts'
import type { RuntimeClass } from '../../../../src/api/types/kubernetes/node-v1.ts'
import { openClusterApi } from '../../../support/cluster-api.ts'

const runtimeClass = (name: string, handler: string): RuntimeClass => ({
  ...{ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name }, handler },
})

const open = async () => {
  const api = await openClusterApi()
  const client = createClient(api)
  const clock = createFakeClock()
  const state = { asked: 0, isDown: false }
  const counting: Pick<Client, 'get'> = {
    get: (...args) => {
      state.asked++
      return state.isDown ? Promise.reject(new Error('no connection')) : client.get(...args)
    },
  }
  return { api, clock, state, handlerOf: createRuntimeClasses({ ...client, ...counting }, clock) }
}

t.test('what a class says is remembered for a minute', async (t) => {
  const { api, clock, state, handlerOf } = await open()
  api.put('runtimeclasses', runtimeClass('slim', 'process'))
  t.equal(await handlerOf('slim'), 'process')
  clock.advance(59_999)
  t.equal(await handlerOf('slim'), 'process')
  t.equal(state.asked, 1)
  api.drop('runtimeclasses', 'slim')
  api.put('runtimeclasses', runtimeClass('slim', 'runc'))
  clock.advance(1)
  t.equal(await handlerOf('slim'), 'runc', 'a class that was made anew')
  t.equal(state.asked, 2)
})

t.test('a class that is not there is asked for again, and so is one that cannot be asked for', async (t) => {
  const { api, state, handlerOf } = await open()
  t.equal(await handlerOf('slim'), undefined)
  state.isDown = true
  await t.rejects(handlerOf('slim'), /no connection/)
  state.isDown = false
  api.put('runtimeclasses', runtimeClass('slim', 'process'))
  t.equal(await handlerOf('slim'), 'process')
  t.equal(state.asked, 3)
})

t.test('one that is gone is not remembered after its minute', async (t) => {
  const { api, clock, state, handlerOf } = await open()
  api.put('runtimeclasses', runtimeClass('slim', 'process'))
  await handlerOf('slim')
  api.drop('runtimeclasses', 'slim')
  clock.advance(60_000)
  state.isDown = true
  await t.rejects(handlerOf('slim'), /no connection/)
  state.isDown = false
  t.equal(await handlerOf('slim'), undefined)
})
