import t from 'tap'
import { hostPortsOf } from '../../../../src/agent/pods/host-ports.ts'
import type { PodSpec, PodStatus } from '../../../../src/api/types/index.ts'
import { pod } from './builders.ts'

const ports = [
  { containerPort: 80, hostPort: 8080 },
  { containerPort: 53, hostPort: 53, protocol: 'UDP' as const, hostIP: '192.0.2.1' },
  { containerPort: 9 },
]
const spec: Partial<PodSpec> = { containers: [{ name: 'main', ports }] }
const running: PodStatus = { phase: 'Running', podIP: '10.1.0.5' }

t.test('host ports', async (t) => {
  t.same(hostPortsOf(pod(spec, running)), [
    { hostPort: 8080, hostIP: '', protocol: 'TCP', podIP: '10.1.0.5', containerPort: 80 },
    { hostPort: 53, hostIP: '192.0.2.1', protocol: 'UDP', podIP: '10.1.0.5', containerPort: 53 },
  ])
  t.same(hostPortsOf(pod({ ...spec, hostNetwork: true }, running)), [])
  t.same(hostPortsOf(pod(spec, { phase: 'Pending' })), [])
  t.same(hostPortsOf(pod(spec, { ...running, phase: 'Succeeded' })), [])
})
