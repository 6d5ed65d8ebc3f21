import { globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'
import { counted } from '../../../src/host/counted.ts'

t.test('one, many, none', async (t) => {
  t.same([counted(0, 'node'), counted(1, 'node'), counted(2, 'node')], ['0 nodes', '1 node', '2 nodes'])
  t.same([counted(1, 'address', 'addresses'), counted(3, 'address', 'addresses')], ['1 address', '3 addresses'])
})

/** Limits that are never one, and words that are Kubernetes' own. */
const fixed: readonly string[] = [
  ...['agent/probes/handler.ts', 'api/errors.ts', 'host/restarts.ts', 'overlay/cni/server.ts'],
  ...['control/controllers/namespace-deletion.ts', 'control/scheduler/explain.ts', 'control/schema/bounds.ts'],
  ...['control/resources/certificates/certificate-signing-request.ts', 'control/resources/formats/formats.ts'],
  ...['control/admission/default-ingress-class.ts', 'control/resources/discovery/endpoint-slice.ts'],
  ...['api/names.ts', 'control/resources/metadata.ts', 'agent/pods/image-puller.ts', 'agent/node/collection-events.ts'],
  ...['images/image-config.ts', 'images/reference.ts', 'images/manifest/manifest.ts', 'images/tar/reader.ts'],
  ...['images/layer/cleaned.ts', 'images/layer/decompressed.ts', 'images/layer/layer-tree.ts'],
  ...['images/archive/archive-files.ts', 'images/registry/http-client.ts', 'images/registry/repository.ts'],
  ...[
    'control/resources/core/event.ts',
    'control/resources/core/pod-validation.ts',
    'control/server/body/read.ts',
    'control/server/body/yaml.ts',
  ],
  ...['control/objects/objects.ts', 'control/patch/json-patch.ts', 'control/storage/store.ts'],
  'control/structural/validate.ts',
  ...['agent/streams/spdy/frames.ts', 'agent/streams/spdy/headers.ts', 'api/tunnel/mux.ts'],
  ...['control/admission/certificate-requests.ts', 'control/auth/oidc.ts'],
  ...['agent/pods/pod-files.ts', 'proxy/ingress/h2/frame-reader.ts', 'proxy/ingress/policy/pattern.ts'],
]

const things = [
  ...[
    'addresses',

    'bytes',
    'certificates',
    'characters',
    'connections',
    'containers',
    'endpoints',
    'entries',
  ],
  ...[
    'errors',
    'fields',
    'files',
    'hosts',
    'Ingresses',
    'IngressClasses',
    'items',
    'leases',
    'levels',
    'lines',
    'links',
  ],
  ...[
    'names',
    'nodes',
    'objects',
    'pods',
    'ports',
    'questions',
    'ranges',
    'records',
    'redirects',
    'replicas',
    'requests',
  ],
  ...['resource instances', 'routes', 'rules', 'seconds', 'Services', 'times', 'tries', 'warnings'],
].join('|')
/** Names of objects, which come before what the object has, are no counts. */
const count = String.raw`\$\{(?![^}]*(?:[nN]ame|path|address|definition|metadata|endpoint|address|kubeconfig|admin|file|type)\b)[^}]*\}`
const plural = new RegExp(`${count} (?:default )?(?:${things})\\b`)

t.test('no message counts in a fixed plural', async (t) => {
  const root = join(import.meta.dirname, '../../../src')
  const found = globSync(`${root}/**/*.ts`).flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => plural.test(line))
      .map((line) => `${relative(root, file)}: ${line.trim()}`),
  )
  t.ok(found.length > 10, 'finds those of the API server')
  t.same(
    found.filter((each) => !fixed.some((file) => each.startsWith(`${file}:`))),
    [],
  )
})
