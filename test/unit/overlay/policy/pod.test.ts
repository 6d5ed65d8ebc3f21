/** Pods, as network policies see them. */
import t from 'tap'
import type { Pod } from '../../../../src/api/types/index.ts'
import { toPolicyPod } from '../../../../src/overlay/policy/pod.ts'

const made = (
  spec: Partial<Pod['spec']> = {},
  status?: Pod['status'],
  metadata: Partial<Pod['metadata']> = {},
): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: { name: 'a', namespace: 'team', uid: 'u1', labels: { app: 'web' }, ...metadata },
  spec: { nodeName: 'here', containers: [{ name: 'c', image: 'i' }], ...spec },
  ...(status ? { status } : {}),
})
const running = { phase: 'Running' as const, podIPs: [{ ip: '10.244.1.2' }, { ip: 'fd00::2' }] }

t.test('what is asked of them', async (t) => {
  t.strictSame(toPolicyPod(made({}, running)), {
    ...{ namespace: 'team', uid: 'u1', node: 'here', labels: { app: 'web' } },
    ...{ addresses: ['10.244.1.2', 'fd00::2'], ports: [] },
  })
  const bare = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: { containers: [] } } as Pod
  t.strictSame(toPolicyPod(bare), { namespace: '', uid: '', node: '', labels: {}, addresses: [], ports: [] })
})

t.test('a mirror has the uid by which its node knows the pod', async (t) => {
  const annotations = { 'kubernetes.io/config.mirror': 'of-the-file' }
  t.equal(toPolicyPod(made({}, running, { annotations })).uid, 'of-the-file')
})

t.test('whose addresses are no pod’s', async (t) => {
  const addresses = (spec: Partial<Pod['spec']>, phase: 'Running' | 'Succeeded' | 'Failed' | 'Pending') =>
    toPolicyPod(made(spec, { ...running, phase })).addresses.length
  t.equal(addresses({}, 'Running'), 2)
  t.equal(addresses({}, 'Pending'), 2)
  t.equal(addresses({}, 'Succeeded'), 0)
  t.equal(addresses({}, 'Failed'), 0)
  t.equal(addresses({ hostNetwork: true }, 'Running'), 0)
  t.equal(toPolicyPod(made({}, { phase: 'Running' })).addresses.length, 0)
})

t.test('named ports, of all containers', async (t) => {
  const ports = (...given: readonly object[]) =>
    [{ name: 'c', image: 'i', ports: given }] as unknown as Pod['spec']['containers']
  t.strictSame(
    toPolicyPod(
      made({
        containers: ports(
          { name: 'http', containerPort: 80 },
          { containerPort: 81 },
          { name: 'dns', protocol: 'UDP', containerPort: 53 },
          { name: 'wrong', protocol: 'ICMP', containerPort: 1 },
          { name: 'none', containerPort: 70_000 },
          { name: '', containerPort: 82 },
        ),
        initContainers: ports({ name: 'early', protocol: 'SCTP', containerPort: 9 }),
      }),
    ).ports,
    [
      { name: 'http', protocol: 'TCP', port: 80 },
      { name: 'dns', protocol: 'UDP', port: 53 },
      { name: 'early', protocol: 'SCTP', port: 9 },
    ],
  )
})
