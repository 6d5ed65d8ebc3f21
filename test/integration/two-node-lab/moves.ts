/** A Node is made anew with another range for its pods while its machine lives. */
import type { Test } from 'tap'
import { until } from '../../support/until.ts'
import { apply, kubectl, kubectlJson, run } from './lab.ts'

interface PodObject {
  readonly metadata: { readonly name: string }
  readonly spec: { readonly nodeName: string }
  readonly status: { readonly podIP?: string; readonly conditions?: readonly { type: string; status: string }[] }
}

const range = '10.244.177.0/24'

export const moves = async (t: Test): Promise<void> => {
  const allPods = async (): Promise<readonly PodObject[]> =>
    (await kubectlJson<{ readonly items: readonly PodObject[] }>('get', 'pods', '-l', 'app=web')).items
  const node = (await allPods())[0]?.spec.nodeName ?? ''
  const other = node === 'node1' ? 'node2' : 'node1'
  const podsOfNode = async (): Promise<readonly PodObject[]> =>
    (await allPods()).filter(({ spec }) => spec.nodeName === node)
  const before = await podsOfNode()
  const { spec } = await kubectlJson<{ spec: { podCIDR: string } }>('get', 'node', node)
  const anew = {
    ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: node } },
    spec: { podCIDR: range, podCIDRs: [range] },
  }
  // The agent makes its Node anew, too, and may be faster.
  await until(
    async () => {
      await kubectl('delete', 'node', node, '--ignore-not-found')
      return apply(anew).then(
        () => true,
        () => false,
      )
    },
    'a Node with another range',
    30_000,
  )
  const isReady = ({ status }: PodObject): boolean =>
    (status.podIP?.startsWith('10.244.177.') ?? false) &&
    (status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false)
  await until(
    async () => {
      const now = await podsOfNode()
      return now.length === before.length && now.every(isReady)
    },
    'the pods at their new addresses',
    60_000,
  )
  const after = await podsOfNode()
  t.same(after.map(({ metadata }) => metadata.name).sort(), before.map(({ metadata }) => metadata.name).sort())
  for (const { metadata, status } of after) {
    t.match(
      await kubectl('get', 'events', '--field-selector', `involvedObject.name=${metadata.name}`),
      /SandboxChanged/,
      'it is said why',
    )
    await until(
      () =>
        run('lab', 'exec', other, '--', 'podway', 'fetch', `http://${status.podIP}:8080/`).then(
          () => true,
          () => false,
        ),
      'the way from the other node',
      30_000,
    )
  }
  const old = spec.podCIDR.replace(/0\/24$/, '')
  for (const host of ['node1', 'node2']) {
    const shown = async () => run('lab', 'exec', host, '--', 'sh', '-c', 'ip address; ip route')
    await until(async () => !(await shown()).includes(old), `the old range to be gone on ${host}`, 30_000)
  }
  await until(
    async () => new RegExp(`${node} +Ready`).test(await kubectl('get', 'nodes')),
    'the node to be ready',
    30_000,
  )
}
