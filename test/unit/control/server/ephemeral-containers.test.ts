/** Containers that are added to a pod that runs: by every kind of write, and what is refused. */
import t from 'tap'
import { createTestApi, type Json, type Reply } from '../../../support/api-server.ts'

const pods = '/api/v1/namespaces/default/pods'
const place = `${pods}/web/ephemeralcontainers`
const strategic = 'application/strategic-merge-patch+json'
const debugged = { name: 'debugger', image: 'busybox', targetContainerName: 'main', stdin: true, tty: true }

const start = async (metadata: object = {}) => {
  const api = await createTestApi({ admission: { disabled: [] } })
  await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } })
  const spec = {
    ...{ nodeName: 'n1', initContainers: [{ name: 'first', image: 'i' }], containers: [{ name: 'main', image: 'i' }] },
    volumes: [{ name: 'data', emptyDir: {} }],
  }
  await api.request('POST', pods, { body: { metadata: { name: 'web', ...metadata }, spec } })
  const add = (container: object, contentType = strategic): Promise<Reply> =>
    api.request('PATCH', place, { body: { spec: { ephemeralContainers: [container] } }, contentType })
  const added = async () => ((await api.request('GET', place)).body['spec']?.['ephemeralContainers'] ?? []) as Json[]
  return { ...api, add, added }
}

const causes = ({ body }: Reply) =>
  ((body['details']?.['causes'] ?? []) as unknown as Json[]).map(({ field, message }) => `${field}: ${message}`)

t.test('one is added by every kind of write, with its defaults, and nothing else changes', async (t) => {
  const { request, add, added } = await start()
  const first = await add(debugged)
  t.match(first, { code: 200, body: { kind: 'Pod' } })
  t.match(await added(), [
    {
      ...debugged,
      ...{
        imagePullPolicy: 'Always',
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
      },
    },
  ])
  const merged = await request('PATCH', place, {
    body: {
      metadata: { labels: { a: 'b' } },
      spec: { nodeName: 'n2', ephemeralContainers: [{ name: 'two', image: 'i' }] },
    },
    contentType: strategic,
  })
  t.match(merged.body, { spec: { nodeName: 'n1' } })
  t.notOk(merged.body['metadata']?.['labels'], 'nothing else of it')
  const whole = (await request('GET', place)).body
  const list = await added()
  const put = await request('PUT', place, {
    body: { ...whole, spec: { ...whole['spec'], ephemeralContainers: [...list, { name: 'three', image: 'i' }] } },
  })
  t.equal(put.code, 200)
  const json = await request('PATCH', place, {
    body: [{ op: 'add', path: '/spec/ephemeralContainers/-', value: { name: 'four', image: 'i' } }],
    contentType: 'application/json-patch+json',
  })
  t.equal(json.code, 200)
  const applied = await request('PATCH', `${place}?fieldManager=me`, {
    body: {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' } },
      spec: { ephemeralContainers: [{ name: 'five', image: 'i' }] },
    },
    contentType: 'application/apply-patch+yaml',
  })
  t.equal(applied.code, 200)
  t.strictSame((await added()).map(({ name }) => name as unknown).sort(), ['debugger', 'five', 'four', 'three', 'two'])
  const managers = applied.body['metadata']?.['managedFields'] as unknown as Json[]
  t.match(
    managers.find(({ manager }) => (manager as unknown) === 'me'),
    { operation: 'Apply', subresource: 'ephemeralcontainers' },
  )
  t.match(await request('GET', `${pods}/none/ephemeralcontainers`), { code: 404 })
  t.match(await request('DELETE', place), { code: 405 })
  t.match(await request('POST', place, { body: whole }), { code: 405 })
})

t.test('what was added stays as it is', async (t) => {
  const { request, add, added } = await start()
  await add(debugged)
  const whole = (await request('GET', place)).body
  const put = (ephemeralContainers: readonly object[]) =>
    request('PUT', place, { body: { ...whole, spec: { ...whole['spec'], ephemeralContainers } } })
  t.match(causes(await put([])), [
    /^spec.ephemeralContainers: Forbidden: existing ephemeral containers "debugger" may not be removed/,
  ])
  t.match(causes(await add({ name: 'debugger', image: 'other' })), [/"debugger" may not be changed/])
  t.match(await put([{ ...(await added())[0], image: 'other' }]), { code: 422 })
  const direct = await request('PUT', `${pods}/web`, {
    body: { ...whole, spec: { ...whole['spec'], ephemeralContainers: [{ name: 'more', image: 'i' }] } },
  })
  t.match(causes(direct), [/^spec: Forbidden: pod updates may not change fields other than/], 'by no other way')
  const made = {
    metadata: { name: 'new' },
    spec: { containers: [{ name: 'main', image: 'i' }], ephemeralContainers: [debugged] },
  }
  t.match(causes(await request('POST', pods, { body: made })), [
    /spec.ephemeralContainers: Forbidden: cannot be set on create/,
  ])
})

t.test('what one may not be', async (t) => {
  const { request, add, added } = await start()
  const refused = async (container: object) => causes(await add({ name: 'd', image: 'i', ...container }))
  const at = 'spec.ephemeralContainers[0]'
  t.strictSame(await refused({ name: 'main' }), [`${at}.name: Duplicate value: "main"`])
  t.strictSame(await refused({ name: 'first' }), [`${at}.name: Duplicate value: "first"`])
  t.strictSame(await refused({ targetContainerName: 'none' }), [`${at}.targetContainerName: Not found: "none"`])
  t.strictSame(await refused({ image: '' }), [`${at}.image: Required value`])
  const why = 'Forbidden: cannot be set for an Ephemeral Container'
  const probe = { exec: { command: ['true'] } }
  for (const [field, value] of Object.entries({
    ports: [{ containerPort: 80 }],
    resources: { limits: { cpu: '1' } },
    resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }],
    restartPolicy: 'Always',
    ...{ livenessProbe: probe, readinessProbe: probe, startupProbe: probe },
    lifecycle: { preStop: probe },
  }))
    t.strictSame(await refused({ [field]: value }), [`${at}.${field}: ${why}`], field)
  t.strictSame(await refused({ volumeMounts: [{ name: 'data', mountPath: '/d', subPath: 'a' }] }), [
    `${at}.volumeMounts[0].subPath: ${why}`,
  ])
  t.strictSame(await refused({ volumeMounts: [{ name: 'no', mountPath: '/d' }] }), [
    `${at}.volumeMounts[0].name: Not found: "no"`,
  ])
  const two = [
    { name: 'd', image: 'i' },
    { name: 'd', image: 'i' },
  ]
  const whole = (await request('GET', place)).body
  const put = await request('PUT', place, { body: { ...whole, spec: { ...whole['spec'], ephemeralContainers: two } } })
  t.strictSame(causes(put), ['spec.ephemeralContainers[1].name: Duplicate value: "d"'])
  t.strictSame(await added(), [])
})

t.test('a mirror pod takes none', async (t) => {
  const { add } = await start({ annotations: { 'kubernetes.io/config.mirror': 'hash' } })
  t.match(await add(debugged), { code: 422, body: { message: /static pods do not support ephemeral containers/ } })
})

t.test('the namespace and the account of the pod bind it, too', async (t) => {
  const { request, add } = await start()
  const secret = { name: 'd', image: 'i', env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] }
  await request('PATCH', '/api/v1/namespaces/default/serviceaccounts/default', {
    body: { metadata: { annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } } },
    contentType: 'application/merge-patch+json',
  })
  t.match(await add(secret), {
    code: 403,
    body: { message: /ephemeral container d with envVar A referencing secret.secretName="s" is not allowed/ },
  })
  await request('PATCH', '/api/v1/namespaces/default', {
    body: { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'baseline' } } },
    contentType: 'application/merge-patch+json',
  })
  t.match(await add({ name: 'd', image: 'i', securityContext: { privileged: true } }), {
    code: 403,
    body: { message: /violates PodSecurity "baseline:latest": privileged \(container "d"/ },
  })
})

t.test('it is in discovery', async (t) => {
  const { request } = await start()
  const { body } = await request('GET', '/api/v1')
  const found = (body['resources'] as unknown as Json[]).find(
    ({ name }) => (name as unknown) === 'pods/ephemeralcontainers',
  )
  t.match(found, { kind: 'Pod', namespaced: true, verbs: ['get', 'patch', 'update'] })
})
