import t from 'tap'
import { configNames, containerCommand, containerEnv, type EnvInput } from '../../../../src/agent/env/container-env.ts'
import type { Container, Pod, PodSpec } from '../../../../src/api/types/index.ts'

const pod = (containers: readonly Container[], spec: Partial<PodSpec> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    ...{ name: 'web-0', namespace: 'shop', uid: 'u-1' },
    labels: { app: 'web', "it's": 'odd' },
    annotations: { 'example.com/note': 'hi' },
  },
  spec: { nodeName: 'node-a', serviceAccountName: 'default', enableServiceLinks: false, containers, ...spec },
})

const input = (container: Partial<Container>, more: Partial<EnvInput> = {}): EnvInput => {
  const full = { name: 'main', ...container }
  return {
    pod: pod([full, { name: 'other', resources: { limits: { cpu: '1500m', memory: '64Mi' } } }]),
    container: full,
    facts: { podIPs: ['10.1.0.5', 'fd00::5'], hostIPs: ['192.0.2.1'], allocatable: { cpu: '4', memory: '8Gi' } },
    hostname: 'web-0',
    defaults: { PATH: '/bin' },
    services: [],
    configMaps: new Map([
      ['conf', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'conf' }, data: { a: '1', b: '2' } }],
    ]),
    secrets: new Map([
      ['keys', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys' }, data: { pw: 'aHVudGVyMg==' } }],
    ]),
    ...more,
  }
}

const base = { PATH: '/bin', HOSTNAME: 'web-0' }
const field = (fieldPath: string) => ({ env: [{ name: 'X', valueFrom: { fieldRef: { fieldPath } } }] })
const resource = (resource: string, more: object = {}) => ({
  env: [{ name: 'X', valueFrom: { resourceFieldRef: { resource, ...more } } }],
})

t.test('plain values', async (t) => {
  t.same(containerEnv(input({})), base)
  const env = [
    { name: 'A', value: '1' },
    { name: 'B', value: '$(A)$(C)' },
    { name: 'C', value: '$$(A)' },
    { name: 'PATH', value: '/own' },
    { name: 'NONE' },
  ]
  t.same(containerEnv(input({ env })), { ...base, A: '1', B: '1$(C)', C: '$(A)', PATH: '/own', NONE: '' })
})

t.test('values that come from elsewhere', async (t) => {
  for (const { name, container, X } of [
    { name: 'metadata.name', container: field('metadata.name'), X: 'web-0' },
    { name: 'metadata.namespace', container: field('metadata.namespace'), X: 'shop' },
    { name: 'metadata.uid', container: field('metadata.uid'), X: 'u-1' },
    { name: 'a label', container: field("metadata.labels['app']"), X: 'web' },
    { name: 'a label with a quote', container: field("metadata.labels['it's']"), X: 'odd' },
    { name: 'a label that is not there', container: field("metadata.labels['zone']"), X: '' },
    { name: 'an annotation', container: field("metadata.annotations['example.com/note']"), X: 'hi' },
    { name: 'spec.nodeName', container: field('spec.nodeName'), X: 'node-a' },
    { name: 'spec.serviceAccountName', container: field('spec.serviceAccountName'), X: 'default' },
    { name: 'status.podIP', container: field('status.podIP'), X: '10.1.0.5' },
    { name: 'status.podIPs', container: field('status.podIPs'), X: '10.1.0.5,fd00::5' },
    { name: 'status.hostIP', container: field('status.hostIP'), X: '192.0.2.1' },
    { name: 'status.hostIPs', container: field('status.hostIPs'), X: '192.0.2.1' },
    { name: 'a limit', container: { ...resource('limits.cpu'), resources: { limits: { cpu: '250m' } } }, X: '1' },
    {
      name: 'in units',
      container: { ...resource('limits.cpu', { divisor: '1m' }), resources: { limits: { cpu: '250m' } } },
      X: '250',
    },
    { name: 'no limit: what the node has', container: resource('limits.memory', { divisor: '1Gi' }), X: '8' },
    {
      name: 'no request: the limit',
      container: { ...resource('requests.memory', { divisor: '1Ki' }), resources: { limits: { memory: '1Mi' } } },
      X: '1024',
    },
    { name: 'neither', container: resource('requests.cpu'), X: '0' },
    {
      name: 'another container',
      container: resource('limits.memory', { containerName: 'other', divisor: '1Mi' }),
      X: '64',
    },
    { name: 'a divisor of zero', container: resource('limits.cpu', { divisor: '0' }), X: '4' },
    {
      name: 'a ConfigMap',
      container: { env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'conf', key: 'b' } } }] },
      X: '2',
    },
    {
      name: 'a Secret',
      container: { env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'keys', key: 'pw' } } }] },
      X: 'hunter2',
    },
  ])
    t.equal(containerEnv(input(container))['X'], X, name)
})

t.test('envFrom, in order, below env', async (t) => {
  const container = {
    envFrom: [{ configMapRef: { name: 'conf' } }, { prefix: 'S_', secretRef: { name: 'keys' } }],
    env: [
      { name: 'b', value: 'own' },
      { name: 'both', value: '$(a)-$(S_pw)' },
    ],
  }
  t.same(containerEnv(input(container)), { ...base, a: '1', b: 'own', S_pw: 'hunter2', both: '1-hunter2' })
})

t.test('what is missing', async (t) => {
  const missing = (valueFrom: object) => input({ env: [{ name: 'X', valueFrom }] })
  for (const { name, from, message } of [
    {
      name: 'ConfigMap',
      from: missing({ configMapKeyRef: { name: 'no', key: 'a' } }),
      message: 'configmap "no" not found in namespace "shop"',
    },
    {
      name: 'Secret',
      from: missing({ secretKeyRef: { name: 'no', key: 'a' } }),
      message: 'secret "no" not found in namespace "shop"',
    },
    {
      name: 'key',
      from: missing({ configMapKeyRef: { name: 'conf', key: 'z' } }),
      message: "couldn't find key z in ConfigMap shop/conf",
    },
    {
      name: 'secret key',
      from: missing({ secretKeyRef: { name: 'keys', key: 'z' } }),
      message: "couldn't find key z in Secret shop/keys",
    },
    {
      name: 'envFrom',
      from: input({ envFrom: [{ secretRef: { name: 'no' } }] }),
      message: 'secret "no" not found in namespace "shop"',
    },
    { name: 'field', from: input(field('spec.hostname')), message: 'env X: unsupported fieldPath: spec.hostname' },
    { name: 'prototype', from: input(field('constructor')), message: 'env X: unsupported fieldPath: constructor' },
    {
      name: 'resource',
      from: input(resource('limits.gpu')),
      message: 'env X: unsupported container resource: main limits.gpu',
    },
    { name: 'source', from: missing({}), message: 'env X: valueFrom names no source' },
    {
      name: 'name',
      from: input({ env: [{ name: 'a=b', value: '' }] }),
      message: 'env "a=b": not a name of a variable',
    },
    {
      name: 'zero',
      from: input({ env: [{ name: 'Z', value: 'a\0b' }] }),
      message: 'env Z: the value holds a zero byte',
    },
  ])
    t.throws(() => containerEnv(from), { name: 'ConfigError', message }, name)

  const optional = {
    env: [
      { name: 'X', valueFrom: { configMapKeyRef: { name: 'no', key: 'a', optional: true } } },
      { name: 'Y', valueFrom: { secretKeyRef: { name: 'keys', key: 'z', optional: true } } },
    ],
    envFrom: [{ configMapRef: { name: 'no', optional: true } }],
  }
  t.same(containerEnv(input(optional)), base, 'optional references to nothing set nothing')
})

t.test('the names to fetch', async (t) => {
  const containers = [
    { name: 'a', envFrom: [{ configMapRef: { name: 'x' } }, { secretRef: { name: 's' } }] },
    { name: 'b', env: [{ name: 'E', valueFrom: { configMapKeyRef: { name: 'x', key: 'k' } } }] },
  ]
  const initContainers = [{ name: 'i', env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 't', key: 'k' } } }] }]
  t.same(configNames(pod(containers, { initContainers })), { configMaps: ['x'], secrets: ['s', 't'] })
})

const noImage = { entrypoint: [], cmd: [] }

for (const { name, container, image = noImage, words } of [
  {
    name: 'command and args',
    container: { command: ['run', '$(A)'], args: ['$(B)', '$$(A)'] },
    words: ['run', '1', '$(B)', '$(A)'],
  },
  { name: 'args alone', container: { image: 'busybox', args: ['sleep', '1'] }, words: ['sleep', '1'] },
  { name: 'nothing', container: { image: 'nginx' }, words: undefined },
  { name: "the image's own", container: {}, image: { entrypoint: ['$(A)'], cmd: ['$(A)'] }, words: ['$(A)', '$(A)'] },
  {
    name: "the image's entrypoint with other args",
    container: { args: ['--port', '$(A)'] },
    image: { entrypoint: ['run'], cmd: ['x'] },
    words: ['run', '--port', '1'],
  },
  {
    name: 'a command takes away what the image would give it',
    container: { command: ['run'] },
    image: { entrypoint: ['init'], cmd: ['x'] },
    words: ['run'],
  },
  { name: 'names of the prototype', container: { command: ['$(constructor)'] }, words: ['$(constructor)'] },
])
  t.test(`command: ${name}`, async (t) =>
    t.same(containerCommand({ name: 'main', ...container }, image, { A: '1' }), words),
  )
