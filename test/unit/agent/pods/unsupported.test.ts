import t from 'tap'
import { unsupportedFields } from '../../../../src/agent/pods/unsupported.ts'
import type { Feature } from '../../../../src/agent/runtime/capabilities.ts'
import type { PodSpec } from '../../../../src/api/types/index.ts'
import { pod } from './builders.ts'

const abilities = {
  capabilities: { features: new Set<Feature>(), canBecome: (id: number) => id === 0, canSetGroups: false },
  hostPorts: false,
}
const secretVolume = { secret: { secretName: 's' } }
const main = (more: object): Partial<PodSpec> => ({ containers: [{ name: 'main', ...more }] })

for (const { name, spec, fields } of [
  { name: 'a plain pod', spec: {}, fields: [] },
  {
    name: 'defaults that ask for nothing',
    spec: {
      volumes: [],
      hostPID: false,
      securityContext: {},
      ...main({ volumeMounts: [], securityContext: {}, stdin: false }),
    },
    fields: [],
  },
  {
    name: 'volumes of any kind',
    spec: { volumes: [{ name: 'v' }], ...main({ volumeMounts: [{ name: 'v', mountPath: '/v', subPath: 'a' }] }) },
    fields: [],
  },
  {
    name: 'volumes of files, each at a place of its own',
    spec: {
      volumes: [{ name: 'v', ...secretVolume }],
      ...main({ volumeMounts: [{ name: 'v', mountPath: '/v', readOnly: true }] }),
    },
    fields: [],
  },
  {
    name: 'a part of a volume that hangs on the container',
    spec: {
      volumes: [{ name: 'v', ...secretVolume }],
      ...main({ volumeMounts: [{ name: 'v', mountPath: '/v', subPathExpr: 'a' }] }),
    },
    fields: ['spec.containers[0].volumeMounts'],
  },
  {
    name: 'the namespaces of the host',
    spec: { hostPID: true, hostIPC: true },
    fields: ['spec.hostPID', 'spec.hostIPC'],
  },
  {
    name: 'a user there is',
    spec: main({ securityContext: { runAsUser: 0, runAsGroup: 0, privileged: true, allowPrivilegeEscalation: false } }),
    fields: [],
  },
  {
    name: 'a user there is not',
    spec: { securityContext: { runAsUser: 1000 }, ...main({ securityContext: { runAsGroup: 5 } }) },
    fields: ['spec.securityContext.runAsUser', 'spec.containers[0].securityContext.runAsGroup'],
  },
  {
    name: 'other restrictions',
    spec: main({
      securityContext: { capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true, seccompProfile: {} },
    }),
    fields: ['spec.containers[0].securityContext.readOnlyRootFilesystem'],
  },
  {
    name: 'what asks for what is the case',
    spec: {
      securityContext: { seccompProfile: { type: 'Unconfined' }, fsGroupChangePolicy: 'Always' },
      ...main({ securityContext: { procMount: 'Default', seccompProfile: { type: 'RuntimeDefault' } } }),
    },
    fields: ['spec.containers[0].securityContext.seccompProfile'],
  },
  {
    name: 'groups where there is one',
    spec: { securityContext: { fsGroup: 0, supplementalGroups: [0] } },
    fields: ['spec.securityContext.fsGroup', 'spec.securityContext.supplementalGroups'],
  },
  {
    name: 'host ports',
    spec: main({ ports: [{ containerPort: 1 }, { containerPort: 2, hostPort: 80 }] }),
    fields: ['spec.containers[0].ports[1].hostPort'],
  },
  {
    name: 'host ports on the host network',
    spec: { hostNetwork: true, ...main({ ports: [{ containerPort: 80, hostPort: 80 }] }) },
    fields: [],
  },
  {
    name: 'a gRPC probe',
    spec: main({ readinessProbe: { grpc: { port: 1 } }, livenessProbe: { tcpSocket: { port: 1 } } }),
    fields: [],
  },
  {
    name: 'init containers',
    spec: {
      initContainers: [{ name: 'i', tty: true, stdin: true, volumeMounts: [{ name: 'v', mountPath: '/' }] }],
    },
    fields: ['spec.initContainers[0].volumeMounts'],
  },
])
  t.test(name, async (t) => t.same(unsupportedFields(pod(spec), abilities), fields))

t.test('groups where they can be chosen', async (t) => {
  const capabilities = { features: new Set<Feature>(), canBecome: (id: number) => id < 100, canSetGroups: true }
  const root = { capabilities, hostPorts: true }
  const asking = (securityContext: object) => unsupportedFields(pod({ securityContext }), root)
  t.same(asking({ fsGroup: 7, supplementalGroups: [8, 9] }), [])
  t.same(asking({ supplementalGroups: [8, 100] }), ['spec.securityContext.supplementalGroups'])
})

t.test('what a runtime has features for is no longer beyond it', async (t) => {
  const asking: Partial<PodSpec> = {
    ...{ hostPID: true, hostIPC: true, securityContext: { sysctls: [{ name: 'kernel.shm_rmid_forced', value: '1' }] } },
    ...main({
      volumeDevices: [{ name: 'v', devicePath: '/dev/v' }],
      securityContext: {
        ...{ readOnlyRootFilesystem: true, procMount: 'Unmasked', seLinuxOptions: { level: 's0' } },
        ...{ seccompProfile: { type: 'RuntimeDefault' }, appArmorProfile: { type: 'RuntimeDefault' } },
      },
    }),
  }
  const own = 'spec.containers[0].securityContext'
  const fields: Readonly<Record<string, Feature>> = {
    ...{ 'spec.hostPID': 'host-pid', 'spec.hostIPC': 'host-ipc', 'spec.securityContext.sysctls': 'sysctls' },
    ...{ 'spec.containers[0].volumeDevices': 'devices', [`${own}.readOnlyRootFilesystem`]: 'read-only-root' },
    ...{ [`${own}.procMount`]: 'unmasked-proc', [`${own}.seLinuxOptions`]: 'selinux' },
    ...{ [`${own}.seccompProfile`]: 'seccomp', [`${own}.appArmorProfile`]: 'apparmor' },
  }
  const withFeatures = (...features: readonly Feature[]) =>
    unsupportedFields(pod(asking), {
      ...abilities,
      capabilities: { ...abilities.capabilities, features: new Set(features) },
    })
  t.same([...withFeatures()].sort(), Object.keys(fields).sort())
  t.same(withFeatures(...Object.values(fields)), [])
  for (const [field, feature] of Object.entries(fields))
    t.same(
      [...withFeatures(feature)].sort(),
      Object.keys(fields)
        .filter((each) => each !== field)
        .sort(),
      feature,
    )
})
