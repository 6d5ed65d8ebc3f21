/** Where volumes are seen, by one container and by all. */
import t from 'tap'
import type { Feature } from '../../../../src/agent/runtime/capabilities.ts'
import { mountsBeyond, sharedMountsOf, volumeMountsOf } from '../../../../src/agent/volumes/container-mounts.ts'
import type { Container, Pod } from '../../../../src/api/types/index.ts'

type ApiMount = NonNullable<Container['volumeMounts']>[number]

const mount = (name: string, mountPath: string, more: Partial<ApiMount> = {}): ApiMount => ({
  ...{ name, mountPath },
  ...more,
})

const podOf = (...lists: readonly (readonly ApiMount[])[]): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' } },
  spec: { containers: lists.map((volumeMounts, at) => ({ name: `c${at}`, volumeMounts })) },
})

const capabilities = (...features: readonly Feature[]) => ({
  ...{ features: new Set(features), canBecome: () => true, canSetGroups: true },
})

t.test('one container', async (t) => {
  const of = (each: ApiMount, env = {}) => volumeMountsOf({ name: 'main', volumeMounts: [each] }, env)
  const whole = { volume: 'v', path: '/x', readOnly: false, subPath: '' }
  for (const [path, clean] of [
    ['/x', '/x'],
    ['/x/', '/x'],
    ['//x//', '/x'],
    ['x', '/x'],
    ['/x/./y', '/x/y'],
  ] as const)
    t.strictSame(of(mount('v', path)), [{ ...whole, path: clean }])
  for (const path of ['/', '', '/a/../b', '/a\nb', '/a\0']) t.strictSame(of(mount('v', path)), [], JSON.stringify(path))
  t.strictSame(of(mount('v', '/x', { subPath: 'a', readOnly: true })), [{ ...whole, readOnly: true, subPath: 'a' }])
  const env = { WHO: 'me', 'a.b-c': '1' }
  for (const [text, filled] of [
    ['$(WHO)/x', 'me/x'],
    ['$$(WHO)', '$(WHO)'],
    ['$(a.b-c)', '1'],
    ['$WHO', '$WHO'],
  ] as const)
    t.strictSame(of(mount('v', '/x', { subPathExpr: text }), env), [{ ...whole, subPath: filled }])
  t.throws(() => of(mount('v', '/x', { subPathExpr: '$(constructor)' }), env), { message: /missing value/ })
  t.match(of(mount('v', '/x', { mountPropagation: 'Bidirectional' })), [{ propagation: 'bidirectional' }])
  t.notOk('propagation' in (of(mount('v', '/x', { mountPropagation: 'None' }))[0] ?? {}))
})

t.test('all containers of one root', async (t) => {
  const pod = podOf([mount('v', '/x'), mount('w', '/y')], [mount('v', '/x/'), mount('v', '/z', { subPathExpr: 'a' })])
  t.strictSame(
    sharedMountsOf(pod).map(({ volume, path }) => `${volume} ${path}`),
    ['v /x', 'w /y'],
  )
})

t.test('what is beyond a runtime', async (t) => {
  const second = 'spec.containers[1].volumeMounts'
  const clashes: readonly ApiMount[] = [
    mount('w', '/x'),
    mount('v', '/x', { readOnly: true }),
    mount('v', '/x', { subPath: 'a' }),
    mount('v', '/y', { subPathExpr: 'a' }),
    // A link in the outer one would lead the inner one elsewhere.
    mount('w', '/x/y'),
  ]
  for (const each of clashes) {
    t.strictSame([...mountsBeyond(podOf([mount('v', '/x')], [each]), capabilities())], [second], JSON.stringify(each))
    t.equal(mountsBeyond(podOf([mount('v', '/x')], [each]), capabilities('images')).size, 0)
  }
  const propagated = podOf([], [mount('v', '/x', { mountPropagation: 'HostToContainer' })])
  t.strictSame([...mountsBeyond(propagated, capabilities('images'))], [second])
  t.strictSame([...mountsBeyond(propagated, capabilities('images', 'mount-propagation'))], [second])
  t.equal(mountsBeyond(propagated, capabilities('images', 'mounts-of-node')).size, 0)
  const both = podOf([], [mount('v', '/x', { mountPropagation: 'Bidirectional' })])
  t.strictSame([...mountsBeyond(both, capabilities('images', 'mounts-of-node'))], [second])
  t.equal(mountsBeyond(both, capabilities('images', 'mount-propagation')).size, 0)
  for (const path of ['/', '/a/../b', '/a\nb'])
    t.strictSame([...mountsBeyond(podOf([], [mount('v', path)]), capabilities('images'))], [second], path)
  t.equal(mountsBeyond(podOf([mount('v', '/x')], [mount('v', '/x')]), capabilities()).size, 0)
})
