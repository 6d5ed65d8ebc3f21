/** A file as a pod, and what is wrong with others. */
import t from 'tap'
import { staticPodOf } from '../../../../src/agent/static-pods/manifest.ts'

const place = { file: '/etc/pods/web.yaml', nodeName: 'node-a', seen: '2026-01-01T00:00:00Z' }
const yaml = (more = '', spec = '') => `apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}${more}}
spec:
  containers: [{name: main, image: i}]
${spec}`

t.test('it is named for its node, marked, and known by what it says', async (t) => {
  const pod = staticPodOf(yaml(), place)
  const { uid = '' } = pod.metadata
  t.match(uid, /^[0-9a-f]{32}$/)
  t.match(pod, {
    metadata: {
      ...{ name: 'web-node-a', namespace: 'default', labels: { app: 'web' } },
      annotations: {
        'kubernetes.io/config.hash': uid,
        'kubernetes.io/config.source': 'file',
        'kubernetes.io/config.seen': place.seen,
      },
    },
    spec: { nodeName: 'node-a', tolerations: [{ operator: 'Exists', effect: 'NoExecute' }] },
    status: { phase: 'Pending' },
  })
  t.equal(staticPodOf(yaml(), { ...place, seen: 'later' }).metadata.uid, uid, 'the same when it is read again')
  t.not(staticPodOf(yaml('', '  hostname: other'), place).metadata.uid, uid)
  t.not(staticPodOf(yaml(), { ...place, nodeName: 'node-b' }).metadata.uid, uid)
  t.not(staticPodOf(yaml(), { ...place, file: '/etc/pods/other.yaml' }).metadata.uid, uid)
  t.equal(staticPodOf(yaml(', uid: ../../x'), place).metadata.uid?.length, 32, 'whatever uid it says')
  const { apiVersion, kind, spec } = {
    apiVersion: 'v1',
    kind: 'Pod',
    spec: { containers: [{ name: 'a', image: 'i' }] },
  }
  const json = JSON.stringify({ apiVersion, kind, metadata: { name: 'web', namespace: 'kube-system' }, spec })
  t.match(staticPodOf(json, place).metadata, { namespace: 'kube-system' })
  t.match(staticPodOf(yaml('', '  priorityClassName: system-node-critical'), place).spec, { priority: 2_000_001_000 })
})

const containers = (text: string): string => yaml().replace('[{name: main, image: i}]', text)
const wrong: readonly (readonly [name: string, text: string, why: RegExp])[] = [
  ['no YAML', 'a: [', /no YAML/],
  ['nothing', '', /expected one object/],
  ['a list', '[]', /expected one object/],
  ['two documents', `${yaml()}\n---\n${yaml()}`, /no YAML/],
  ['another kind', yaml().replace('Pod', 'Deployment'), /expected kind Pod of apiVersion v1, and not "Deployment"/],
  ['no name', yaml().replace('name: web,', ''), /metadata.name/],
  ['a way as its name', yaml().replace('name: web,', 'name: ../../etc,'), /metadata.name/],
  ['a way as its namespace', yaml(', namespace: ../x'), /"..\/x" is no name/],
  ['no containers', containers('[]'), /spec.containers/],
  ['no list of containers', containers('{name: a}'), /spec.containers: expected a list/],
  ['a container that is nothing', containers('[null]'), /spec.containers\[0\]: expected something/],
  ['a container of text', containers('[a]'), /spec.containers\[0\]: expected a mapping/],
  ['a command that is no list', containers('[{name: a, command: sh}]'), /containers\[0\].command: expected a list/],
  ['a name that is a number', containers('[{name: 7}]'), /containers\[0\].name: expected a text/],
  ['a name that is a way', containers('[{name: a/b}]'), /"a\/b" is no name/],
  ['two of one name', containers('[{name: a}, {name: a}]'), /two containers are called "a"/],
  [
    'labels that are no texts',
    yaml(', annotations: {a: 1}'),
    /metadata.annotations.a: expected a text: 1 needs quotes/,
  ],
  ['a Secret', yaml('', '  volumes: [{name: v, secret: {secretName: s}}]'), /may not reference secrets/],
  ['a ConfigMap', containers('[{name: a, envFrom: [{configMapRef: {name: c}}]}]'), /may not reference configmaps/],
  ['an account', yaml('', '  serviceAccountName: a'), /may not reference serviceaccounts/],
  ['a claim', yaml('', '  volumes: [{name: v, persistentVolumeClaim: {claimName: c}}]'), /persistentvolumeclaims/],
  ['ephemeral containers', yaml('', '  ephemeralContainers: [{name: e, image: i}]'), /ephemeralContainers/],
]
for (const [name, text, why] of wrong)
  t.test(name, async (t) => {
    t.throws(() => staticPodOf(text, place), { name: 'StaticPodError', message: why })
  })
