/** Volumes of files that the node writes: what stands in them. */
import t from 'tap'
import { fileVolume, volumeConfigNames } from '../../../../src/agent/volumes/file-volumes.ts'
import { volumeFiles } from '../../../../src/agent/volumes/volume-files.ts'
import { isJsonObject } from '../../../../src/api/json.ts'
import type { ConfigMap, Pod, Secret } from '../../../../src/api/types/index.ts'

const access = {
  name: 'kube-api-access-x',
  projected: {
    defaultMode: 0o600,
    sources: [
      { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
    ],
  },
}

const podWith = (spec: object): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: { name: 'web', namespace: 'shop', uid: 'u1', labels: { b: '2', a: '1' } },
  spec: { containers: [{ name: 'main' }], ...spec },
})

const input = {
  pod: podWith({ containers: [{ name: 'main', resources: { limits: { cpu: '1500m' } } }] }),
  allocatable: { cpu: '4' },
  configMaps: new Map<string, ConfigMap>([
    [
      'kube-root-ca.crt',
      {
        ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kube-root-ca.crt' } },
        ...{ data: { 'ca.crt': 'PEM', other: 'x' }, binaryData: { raw: 'AAH/' } },
      },
    ],
  ]),
  secrets: new Map<string, Secret>([
    ['s', { ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } }, data: { key: 'c2VjcmV0' } }],
  ]),
  tokenOf: ({ audience, seconds }: { readonly audience: string; readonly seconds: number }) =>
    `token for ${audience || 'the API'} and ${seconds} s`,
}

/** With a source of some kind. */
type Volume = { readonly name: string } & Readonly<Record<string, object | string>>

const contentOf = ({ name, ...kinds }: Volume): Readonly<Record<string, string>> => {
  const [kind = '', source] = Object.entries(kinds)[0] ?? []
  if (!isJsonObject(source)) throw new Error('no volume')
  const read = fileVolume(name, kind, source)
  return Object.fromEntries(
    [...volumeFiles(read, input)].map(([path, { content, mode }]) => [path, `${content} ${mode.toString(8)}`]),
  )
}

t.test('what stands in the files', async (t) => {
  const cases: readonly (readonly [string, Volume, object])[] = [
    [
      'access to the API',
      access,
      { token: 'token for the API and 3607 s 600', 'ca.crt': 'PEM 600', namespace: 'shop 600' },
    ],
    [
      'a token for others',
      { name: 'v', projected: { sources: [{ serviceAccountToken: { path: 'a/b', audience: 'vault' } }] } },
      { 'a/b': 'token for vault and 3600 s 644' },
    ],
    ['a Secret', { name: 'v', secret: { secretName: 's', defaultMode: 256 } }, { key: 'secret 400' }],
    [
      'some of a Secret',
      { name: 'v', secret: { secretName: 's', items: [{ key: 'key', path: 'x/y', mode: 0o640 }] } },
      { 'x/y': 'secret 640' },
    ],
    [
      'a ConfigMap',
      { name: 'v', configMap: { name: 'kube-root-ca.crt' } },
      { 'ca.crt': 'PEM 644', other: 'x 644', raw: `${Buffer.from('AAH/', 'base64')} 644` },
    ],
    ['what may be missing', { name: 'v', configMap: { name: 'none', optional: true } }, {}],
    [
      'a key that may be missing',
      { name: 'v', secret: { secretName: 's', optional: true, items: [{ key: 'none', path: 'x' }] } },
      {},
    ],
    [
      'what the pod is',
      {
        name: 'v',
        downwardAPI: {
          items: [
            { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
            { path: 'a', fieldRef: { fieldPath: "metadata.labels['a']" } },
            { path: 'uid', fieldRef: { fieldPath: 'metadata.uid' }, mode: 0o600 },
            { path: 'cpu', resourceFieldRef: { containerName: 'main', resource: 'limits.cpu', divisor: '1m' } },
          ],
        },
      },
      { labels: 'a="1"\nb="2" 644', a: '1 644', uid: 'u1 600', cpu: '1500 644' },
    ],
    [
      'the later one counts',
      {
        name: 'v',
        projected: {
          sources: [
            { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'other', path: 'f' }] } },
            { secret: { name: 's', items: [{ key: 'key', path: 'f' }] } },
          ],
        },
      },
      { f: 'secret 644' },
    ],
  ]
  for (const [why, volume, files] of cases) t.strictSame(contentOf(volume), files, why)
})

t.test('what cannot be filled says what is missing', async (t) => {
  const item = (path: string) => ({ name: 'v', secret: { secretName: 's', items: [{ key: 'key', path }] } })
  const cases: readonly (readonly [Volume, RegExp])[] = [
    [{ name: 'v', configMap: { name: 'none' } }, /^configmap "none" not found$/],
    [{ name: 'v', secret: { secretName: 'none' } }, /^secret "none" not found$/],
    [
      { name: 'v', secret: { secretName: 's', items: [{ key: 'none', path: 'x' }] } },
      /references non-existent secret key: none/,
    ],
    [
      { name: 'v', downwardAPI: { items: [{ path: 'x', fieldRef: { fieldPath: 'spec.nodeName' } }] } },
      /unsupported fieldPath: spec.nodeName/,
    ],
    [
      { name: 'v', projected: { sources: [{ clusterTrustBundle: { path: 'x' } }] } },
      /no projections of the kind "clusterTrustBundle"/,
    ],
    [{ name: 'v', projected: { sources: [{ secret: { name: 's' } }, {}] } }, /no projections of the kind ""/],
    [{ name: 'v', emptyDir: {} }, /emptyDir is no kind of volumes of files/],
    ...['', '/etc/passwd', '../x', 'a/../../x', 'a//b', 'a\n', '..data'].map(
      (path) => [item(path), /is no path in a volume/] as const,
    ),
  ]
  for (const [volume, message] of cases) t.throws(() => contentOf(volume), { message }, String(message))
})

t.test('what they are made of', async (t) => {
  const pod = podWith({ volumes: [access, { name: 'other', secret: { secretName: 's' } }] })
  t.strictSame(volumeConfigNames(pod), { configMaps: ['kube-root-ca.crt'], secrets: ['s'] })
  const odd = [{ name: 'x', projected: { sources: [{ odd: {} }] } }, { name: 'y', emptyDir: {} }, { name: 'z' }]
  t.strictSame(volumeConfigNames(podWith({ volumes: odd })), { configMaps: [], secrets: [] })
})
