import t from 'tap'
import type { TunnelOptions } from '../../../../src/agent/server/tunnel.ts'
import { runTunnels } from '../../../../src/agent/server/tunnels.ts'
import { aborted, createFakeClock } from '../../../../src/api/clock.ts'
import { until } from '../../../support/until.ts'

t.test('one to each server, for as long as it is one', async (t) => {
  const open: string[] = []
  let others = ['https://192.0.2.1:6443', 'https://192.0.2.2:6443']
  const clock = createFakeClock()
  const stop = new AbortController()
  const create = (connection: TunnelOptions['connection']) => ({
    isOpen: true,
    run: async (signal: AbortSignal) => {
      const { server, serverName = '-' } = await connection()
      const name = `${server} ${serverName}`
      open.push(name)
      await aborted(signal)
      open.splice(open.indexOf(name), 1)
    },
  })
  const running = runTunnels(
    { create, clock, connection: async () => ({ server: 'https://192.0.2.1:6443' }), others: async () => others },
    stop.signal,
  )
  const first = ['https://192.0.2.1:6443 -', 'https://192.0.2.2:6443 kubernetes.default.svc']
  await until(() => open.length === 2, 'two')
  t.same([...open].sort(), first, 'one that is only named must prove to be the API')
  others = ['https://192.0.2.3:6443']
  await until(() => {
    clock.advance(15_000)
    return open.join().includes('192.0.2.3') && open.length === 2
  }, 'another one in its place')
  t.same([...open].sort(), [first[0], 'https://192.0.2.3:6443 kubernetes.default.svc'])
  stop.abort()
  await running
  t.same(open, [])
})
