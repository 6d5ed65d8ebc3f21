import t from 'tap'
import type { ReplicationController } from '../../../../src/api/types/kubernetes/core-v1.ts'
import {
  checkSelectors,
  type ImageChange,
  oldLabelOf,
  targetOfImage,
} from '../../../../src/commands/rolling-update/target.ts'
import { targetOfManifest } from '../../../../src/commands/rolling-update-manifest.ts'

const controller = (images: readonly string[], more: object = {}): ReplicationController => ({
  ...{ apiVersion: 'v1', kind: 'ReplicationController', status: { replicas: 3 } },
  metadata: {
    ...{ name: 'web', namespace: 'default', uid: 'u1', resourceVersion: '7' },
    annotations: { note: 'mine', 'kubectl.kubernetes.io/original-replicas': '3' },
  },
  spec: {
    ...{ replicas: 3, selector: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: images.map((image, index) => ({ name: `c${index}`, image })) },
    },
    ...more,
  },
})

const manifest = (more: string): string =>
  `{apiVersion: v1, kind: ReplicationController, metadata: {name: v2${more === '' ? '' : `, ${more}`}}, spec: {template: {metadata: {labels: {app: v2}}}}}`

t.test('what a file has wrong', async (t) => {
  for (const [source, message] of [
    ['', /please make sure f exists and is not empty/],
    [`${manifest('')}\n---\n${manifest('')}`, /^f specifies multiple items$/],
    ['{apiVersion: apps/v1, kind: Deployment}', /^f contains a apps\/v1, Kind=Deployment not a ReplicationController$/],
    ['{apiVersion: v1, kind: ReplicationController}', /metadata\.name: Required/],
    [manifest('namespace: shop'), /"shop" does not match the namespace "default".*--namespace=shop/],
    [manifest('').replace('spec: {', 'spec: {replicas: -1, '), /spec\.replicas: -1/],
    [manifest('').replace('spec: {', 'spec: {replicas: "3", '), /spec\.replicas: "3"/],
    [manifest('').replace('app: v2', 'app: 2'), /^f: .*2 needs quotes/],
    ['a: [', /^f: not YAML/],
  ] as const)
    t.throws(() => targetOfManifest(source, 'f', 'default'), { name: 'UsageError', message }, String(message))
})

t.test('a file: the selector is the labels of the template when it is missing', async (t) => {
  t.match(targetOfManifest(manifest(''), 'f', 'default'), {
    ...{ name: 'v2', selector: { app: 'v2' }, replicas: undefined },
  })
  const whole = manifest('namespace: default').replace('spec: {', 'spec: {replicas: 0, selector: {app: x}, ')
  t.match(targetOfManifest(whole, 'f', 'default'), { selector: { app: 'x' }, replicas: 0 })
})

t.test('another image: the rest is the same, and of what an update noted nothing', async (t) => {
  const change: ImageChange = { image: 'b', key: 'deployment' }
  const old = controller(['a'])
  const target = targetOfImage(old, change, undefined)
  const hash = target.selector['deployment']
  t.match(hash, /^[b-z2-9]{3,20}$/)
  t.equal(target.name, `web-${hash}`)
  t.same(target.selector, { app: 'web', deployment: hash })
  t.same(target.metadata, { annotations: { note: 'mine' } })
  t.match(target.spec, {
    replicas: 3,
    template: {
      metadata: { labels: { app: 'web', deployment: hash } },
      spec: { containers: [{ name: 'c0', image: 'b' }] },
    },
  })
  t.match(oldLabelOf(old, change), /-orig$/)
  t.equal(targetOfImage(old, change, 'next').name, 'next')

  t.test('the hash is the same once the old one is labelled, and another for another object', async (t) => {
    const labels = { app: 'web', deployment: oldLabelOf(old, change) }
    const labelled = controller(['a'], {
      template: { metadata: { labels }, spec: { containers: [{ name: 'c0', image: 'a' }] } },
    })
    t.equal(targetOfImage(labelled, change, undefined).name, target.name)
    t.equal(oldLabelOf(labelled, change), labels.deployment)
    const again = { ...old, metadata: { ...old.metadata, uid: 'u2' } }
    t.not(targetOfImage(again, change, undefined).name, target.name)
  })
})

t.test('which container', async (t) => {
  const two = controller(['a', 'b'])
  t.throws(() => targetOfImage(two, { image: 'x', key: 'd' }, undefined), { message: /must specify container/ })
  t.throws(() => targetOfImage(two, { image: 'x', key: 'd', container: 'c9' }, undefined), {
    message: 'container c9 not found in pod',
  })
  t.throws(() => targetOfImage(controller([]), { image: 'x', key: 'd' }, undefined), {
    message: 'pod has no containers',
  })
  t.match(targetOfImage(two, { image: 'x', key: 'd', container: 'c1' }, undefined).spec, {
    template: { spec: { containers: [{ image: 'a' }, { image: 'x' }] } },
  })
  t.throws(() => targetOfImage(controller(['a']), { image: 'a', key: 'd' }, undefined), {
    message: /--image-pull-policy .* must be provided/,
  })
  t.match(targetOfImage(controller(['a']), { image: 'a', key: 'd', pullPolicy: 'Always' }, undefined).spec, {
    template: { spec: { containers: [{ image: 'a', imagePullPolicy: 'Always' }] } },
  })
})

t.test('selectors that do not tell the pods apart', async (t) => {
  const check = (old: Readonly<Record<string, string>>, selector: Readonly<Record<string, string>>, name = 'v2') =>
    checkSelectors(old, { name, selector }, 'v1')
  const useless: readonly Readonly<Record<string, string>>[] = [
    { app: 'web' },
    { version: '2' },
    { app: 'web', version: '2' },
  ]
  for (const selector of useless)
    t.throws(() => check({ app: 'web' }, selector), {
      message: 'v2 must specify a matching key with non-equal value in Selector for v1',
    })
  t.throws(() => check({ app: 'web' }, { app: 'x' }, 'v1'), { message: /cannot have the same name/ })
  check({ app: 'web', version: '1' }, { app: 'web', version: '2' })
})
