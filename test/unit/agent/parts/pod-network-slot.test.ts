import t from 'tap'
import { createFakeNetwork } from '../../../../src/agent/fake-network.ts'
import { createPodNetworkSlot, type LivePodNetwork } from '../../../../src/agent/parts/pod-network-slot.ts'
import type { PodNetworkStack } from '../../../../src/agent/pod-network-stack.ts'
import { aborted } from '../../../../src/api/clock.ts'
import { until } from '../../../support/until.ts'

const networkOn = (range: string) => {
  const end = new AbortController()
  const stack: Pick<PodNetworkStack, 'network'> = { network: createFakeNetwork() }
  return { end, network: { stack, podCIDRs: [range], signal: end.signal } }
}

t.test('one network after the other, each as long as it lasts', async (t) => {
  const slot = createPodNetworkSlot<Pick<PodNetworkStack, 'network'>>()
  const stop = new AbortController()
  const seen: string[] = []
  const use = async ({ podCIDRs }: LivePodNetwork<unknown>, signal: AbortSignal): Promise<void> => {
    seen.push(`begin ${podCIDRs.join()}`)
    await aborted(signal)
    seen.push(`end ${podCIDRs.join()}`)
  }
  const running = slot.each(stop.signal, use)
  const first = networkOn('10.1.0.0/24')
  slot.offer(first.network)
  await until(() => seen.length === 1, 'the first')
  first.end.abort()
  await until(() => seen.length === 2, 'its end')
  slot.offer(networkOn('10.2.0.0/24').network)
  await until(() => seen.length === 3, 'the second')
  stop.abort()
  await running
  t.same(seen, ['begin 10.1.0.0/24', 'end 10.1.0.0/24', 'begin 10.2.0.0/24', 'end 10.2.0.0/24'])
})

t.test('what fails is heard of', async (t) => {
  const slot = createPodNetworkSlot<Pick<PodNetworkStack, 'network'>>()
  slot.offer(networkOn('10.1.0.0/24').network)
  const fail = async (): Promise<void> => {
    throw new Error('no')
  }
  await t.rejects(slot.each(new AbortController().signal, fail), { message: 'no' })
})
