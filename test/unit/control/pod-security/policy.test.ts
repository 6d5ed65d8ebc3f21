/** The Pod Security Standards, check by check, in the words of Kubernetes. */
import t from 'tap'
import { podSecurityView } from '../../../../src/control/pod-security/pod-view.ts'
import {
  type Level,
  labelErrors,
  policyOf,
  violationsOf,
  violationText,
} from '../../../../src/control/pod-security/policy.ts'

const hardened = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
}
/** A pod of one container; `security` is its own, `spec` the pod's. */
const pod = (security: object, spec: object = {}, container: object = {}) => ({
  containers: [{ name: 'a', securityContext: security, ...container }],
  ...spec,
})
const twice = (security: object) => ({ containers: ['a', 'b'].map((name) => ({ name, securityContext: security })) })
const ofPod = (securityContext: object) => pod({}, { securityContext })

const told = (spec: object, level: Level, version = 'latest', annotations: object = {}): string =>
  violationText(violationsOf(podSecurityView({ annotations }, spec), { level, version }))

t.test('nothing is asked of the privileged', (t) => {
  t.equal(told(pod({ privileged: true }, { hostNetwork: true }), 'privileged'), '')
  t.end()
})

t.test('the baseline', (t) => {
  const cases: readonly (readonly [object, string])[] = [
    [pod({}), ''],
    [pod({ privileged: true }), 'privileged (container "a" must not set securityContext.privileged=true)'],
    [twice({ privileged: true }), 'privileged (containers "a", "b" must not set securityContext.privileged=true)'],
    [pod({}, { hostNetwork: true, hostIPC: true }), 'host namespaces (hostNetwork=true, hostIPC=true)'],
    [
      pod({ capabilities: { add: ['SYS_ADMIN', 'CHOWN', 'NET_ADMIN'] } }),
      'non-default capabilities (container "a" must not include "NET_ADMIN", "SYS_ADMIN" in securityContext.capabilities.add)',
    ],
    [pod({ capabilities: { add: ['NET_BIND_SERVICE', 'KILL'] } }), ''],
    [
      pod(
        {},
        {
          volumes: [
            { name: 'v', hostPath: { path: '/' } },
            { name: 'w', emptyDir: {} },
          ],
        },
      ),
      'hostPath volumes (volume "v")',
    ],
    [pod({}, {}, { ports: [{ containerPort: 80, hostPort: 8080 }] }), 'hostPort (container "a" uses hostPort 8080)'],
    [pod({}, {}, { ports: [{ containerPort: 80 }] }), ''],
    [pod({ procMount: 'Unmasked' }), 'procMount (container "a" must not set securityContext.procMount to "Unmasked")'],
    [
      pod({ seLinuxOptions: { type: 'spc_t', user: 'u' } }, { securityContext: { seLinuxOptions: { role: 'r' } } }),
      'seLinuxOptions (pod and container "a" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set; role may not be set)',
    ],
    [ofPod({ seLinuxOptions: { type: 'container_t', level: 's0' } }), ''],
    [
      ofPod({ seccompProfile: { type: 'Unconfined' } }),
      'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [ofPod({ seccompProfile: { type: 'RuntimeDefault' } }), ''],
    [
      ofPod({ sysctls: [{ name: 'kernel.msgmax' }, { name: 'net.ipv4.tcp_syncookies' }] }),
      'forbidden sysctls (kernel.msgmax)',
    ],
    [
      ofPod({ windowsOptions: { hostProcess: true } }),
      'hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)',
    ],
    [
      pod({ appArmorProfile: { type: 'Unconfined' } }),
      'forbidden AppArmor profile (container "a" must not set AppArmor profile type to "Unconfined")',
    ],
    [
      { ...pod({}), initContainers: [{ name: 'i', securityContext: { privileged: true } }] },
      'privileged (container "i" must not set securityContext.privileged=true)',
    ],
    [
      { ...pod({}), ephemeralContainers: [{ name: 'e', securityContext: { privileged: true } }] },
      'privileged (container "e" must not set securityContext.privileged=true)',
    ],
    [pod({ runAsUser: 0, allowPrivilegeEscalation: true }), ''],
  ]
  for (const [spec, text] of cases) t.equal(told(spec, 'baseline'), text, JSON.stringify(spec))
  const annotation = 'container.apparmor.security.beta.kubernetes.io/a'
  t.equal(
    told(pod({}), 'baseline', 'latest', { [annotation]: 'unconfined' }),
    `forbidden AppArmor profile (annotation "${annotation}" must not set AppArmor profile type to "unconfined")`,
  )
  t.equal(told(pod({}), 'baseline', 'latest', { [annotation]: 'localhost/x' }), '')
  t.end()
})

t.test('the restricted', (t) => {
  t.equal(
    told({ containers: [{ name: 'test' }] }, 'restricted'),
    'allowPrivilegeEscalation != false (container "test" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "test" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "test" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "test" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  )
  const cases: readonly (readonly [object, string])[] = [
    [pod(hardened), ''],
    [
      pod(
        { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        {
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'Localhost' } },
        },
      ),
      '',
    ],
    [
      pod({ ...hardened, capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE', 'CHOWN'] } }),
      'unrestricted capabilities (container "a" must not include "CHOWN" in securityContext.capabilities.add)',
    ],
    [pod({ ...hardened, runAsUser: 0 }), 'runAsUser=0 (container "a" must not set runAsUser=0)'],
    [
      pod({ ...hardened, runAsNonRoot: false }, { securityContext: { runAsNonRoot: false } }),
      'runAsNonRoot != true (pod and container "a" must not set securityContext.runAsNonRoot=false)',
    ],
    [
      pod({ ...hardened, seccompProfile: { type: 'Unconfined' } }),
      'seccompProfile (container "a" must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      pod(hardened, {
        volumes: [
          { name: 'a', hostPath: { path: '/' } },
          { name: 'b', nfs: {} },
          { name: 'c', projected: {} },
          { name: 'd', secret: {} },
        ],
      }),
      'restricted volume types (volumes "a", "b" use restricted volume types "hostPath", "nfs")',
    ],
    [
      pod(hardened, { hostNetwork: true, securityContext: { runAsUser: 0 } }),
      'host namespaces (hostNetwork=true), runAsUser=0 (pod must not set runAsUser=0)',
    ],
    [pod({ runAsNonRoot: true }, { os: { name: 'windows' } }), ''],
  ]
  for (const [spec, text] of cases) t.equal(told(spec, 'restricted'), text, JSON.stringify(spec))
  t.end()
})

t.test('older versions ask for what there was', (t) => {
  const bare = { containers: [{ name: 'test' }] }
  const reasons = (version: string) =>
    violationsOf(podSecurityView({}, bare), { level: 'restricted', version }).map(({ reason }) => reason)
  t.same(reasons('v1.7'), ['runAsNonRoot != true'])
  t.same(reasons('v1.8'), ['allowPrivilegeEscalation != false', 'runAsNonRoot != true'])
  t.same(reasons('v1.21'), ['allowPrivilegeEscalation != false', 'runAsNonRoot != true', 'seccompProfile'])
  t.same(reasons('v1.999'), reasons('latest'), 'newer ones than this server knows are the newest')
  const keepalive = ofPod({ sysctls: [{ name: 'net.ipv4.tcp_keepalive_time' }] })
  t.equal(told(keepalive, 'baseline', 'v1.28'), 'forbidden sysctls (net.ipv4.tcp_keepalive_time)')
  t.equal(told(keepalive, 'baseline', 'v1.29'), '')
  t.not(told(pod({ runAsNonRoot: true }, { os: { name: 'windows' } }), 'restricted', 'v1.24'), '')
  t.end()
})

t.test('labels say the level', (t) => {
  const name = (mode: string) => `pod-security.kubernetes.io/${mode}`
  t.strictSame(
    policyOf({ [name('enforce')]: 'baseline', [name('warn')]: 'restricted', [name('warn-version')]: 'v1.20' }),
    {
      enforce: { level: 'baseline', version: 'latest' },
      audit: { level: 'privileged', version: 'latest' },
      warn: { level: 'restricted', version: 'v1.20' },
    },
  )
  t.equal(policyOf({ [name('enforce')]: 'strict' }).enforce.level, 'restricted', 'what cannot be read is not nothing')
  t.same(labelErrors({ [name('enforce')]: 'baseline', [name('enforce-version')]: 'v1.25' }), [])
  t.match(labelErrors({ [name('audit')]: 'x', [name('warn-version')]: '1.2' }), [
    {
      field: 'metadata.labels[pod-security.kubernetes.io/audit]',
      message: 'Invalid value: "x": must be one of privileged, baseline, restricted',
    },
    {
      field: 'metadata.labels[pod-security.kubernetes.io/warn-version]',
      message: 'Invalid value: "1.2": must be "latest" or "v1.x"',
    },
  ])
  t.end()
})
