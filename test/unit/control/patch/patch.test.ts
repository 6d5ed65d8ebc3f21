import t from 'tap'
import { shapeOf } from '../../../../src/control/apply/shape.ts'
import { merge } from '../../../../src/control/apply/values.ts'
import { applyJsonPatch } from '../../../../src/control/patch/json-patch.ts'
import { applyMergePatch } from '../../../../src/control/patch/merge-patch.ts'
import { applyStrategicPatch } from '../../../../src/control/patch/strategic.ts'
import { leastCpuMs } from '../../../support/cpu-time.ts'

t.test('merge patch: the examples of RFC 7386, appendix A', async (t) => {
  const cases: [unknown, unknown, unknown][] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ]
  for (const [target, patch, wanted] of cases)
    t.strictSame(applyMergePatch(target, patch), wanted, `${JSON.stringify(target)} + ${JSON.stringify(patch)}`)
})

t.test('JSON patch: RFC 6902, appendix A', async (t) => {
  const cases: [name: string, target: unknown, patch: unknown[], wanted: unknown][] = [
    ['A.1 add a member', { foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { baz: 'qux', foo: 'bar' }],
    ['A.2 add an element', { foo: ['a', 'c'] }, [{ op: 'add', path: '/foo/1', value: 'b' }], { foo: ['a', 'b', 'c'] }],
    ['A.3 remove a member', { baz: 'qux', foo: 'bar' }, [{ op: 'remove', path: '/baz' }], { foo: 'bar' }],
    ['A.4 remove an element', { foo: ['a', 'b', 'c'] }, [{ op: 'remove', path: '/foo/1' }], { foo: ['a', 'c'] }],
    ['A.5 replace', { baz: 'qux' }, [{ op: 'replace', path: '/baz', value: 'boo' }], { baz: 'boo' }],
    [
      'A.6 move a value',
      { foo: { bar: 'baz', waldo: 'fred' }, qux: {} },
      [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
      { foo: { bar: 'baz' }, qux: { thud: 'fred' } },
    ],
    [
      'A.7 move an element',
      { foo: ['all', 'grass', 'cows', 'eat'] },
      [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
      { foo: ['all', 'cows', 'eat', 'grass'] },
    ],
    [
      'A.8 test',
      { baz: 'qux', foo: ['a', 2] },
      [{ op: 'test', path: '/foo/1', value: 2 }],
      { baz: 'qux', foo: ['a', 2] },
    ],
    [
      'A.10 nested',
      { foo: 'bar' },
      [{ op: 'add', path: '/child', value: { g: {} } }],
      { foo: 'bar', child: { g: {} } },
    ],
    ['A.14 escapes', { '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: 10 }], { '/': 9, '~1': 10 }],
    ['A.16 append', { foo: ['bar'] }, [{ op: 'add', path: '/foo/-', value: ['abc'] }], { foo: ['bar', ['abc']] }],
    ['copy', { a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: 1 }, c: { b: 1 } }],
    ['replace the whole', { a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
  ]
  for (const [name, target, patch, wanted] of cases) t.strictSame(applyJsonPatch(target, patch), wanted, name)

  const bad: [name: string, patch: unknown, code: number][] = [
    ['A.9 failed test', [{ op: 'test', path: '/a', value: 'bar' }], 422],
    ['A.12 nonexistent target', [{ op: 'add', path: '/x/bat', value: 'qux' }], 422],
    ['remove of nothing', [{ op: 'remove', path: '/x' }], 422],
    ['index too large', [{ op: 'add', path: '/l/3', value: 1 }], 422],
    ['leading zero', [{ op: 'replace', path: '/l/00', value: 1 }], 422],
    ['into itself', [{ op: 'move', from: '/o', path: '/o/x' }], 422],
    ['unknown op', [{ op: 'merge', path: '/a' }], 422],
    ['no pointer', [{ op: 'remove', path: 'a' }], 422],
    ['index before the first', [{ op: 'remove', path: '/l/-2' }], 422],
    ['no list', { op: 'remove', path: '/a' }, 400],
  ]
  t.same(applyJsonPatch({ a: 1 }, [{ op: 'replace', path: '/x', value: 1 }]), { a: 1, x: 1 }, 'replace of nothing')
  t.same(applyJsonPatch({ a: 1 }, [{ op: 'add', path: '/a' }]), { a: null }, 'no value is null')
  t.same(applyJsonPatch({ a: 1 }, [{ op: 'test', path: '/x', value: null }]), { a: 1 }, 'nothing is null')
  t.same(applyJsonPatch({ l: [1, 2] }, [{ op: 'remove', path: '/l/-1' }]), { l: [1] }, 'the last one')
  t.same(applyJsonPatch({ l: [1] }, [{ op: 'add', path: '/l/-1', value: 2 }]), { l: [1, 2] }, 'behind the last one')
  for (const [name, patch, code] of bad)
    t.throws(
      () => applyJsonPatch({ a: 1, l: [1], o: {} }, patch),
      code === 422 ? { name: 'PatchFailure', answer: { code, details: {} } } : { code },
      name,
    )

  const target = Object.freeze({ a: Object.freeze([1]) })
  t.strictSame(
    applyJsonPatch(target, [{ op: 'add', path: '/a/0', value: 0 }]),
    { a: [0, 1] },
    'the target is not changed',
  )
})

const pod = (spec: object) => ({ metadata: { name: 'p', finalizers: ['a/x', 'a/y'] }, spec })

t.test('strategic merge patch', async (t) => {
  const containers = [
    { name: 'a', image: '1', env: [{ name: 'X', value: '1' }] },
    { name: 'b', image: '2' },
  ]
  const cases: [name: string, patch: object, wanted: object][] = [
    [
      'a list with a merge key is merged by it',
      { spec: { containers: [{ name: 'a', image: '9' }] } },
      pod({ containers: [{ name: 'a', image: '9', env: [{ name: 'X', value: '1' }] }, containers[1]] }),
    ],
    [
      'and so are lists inside',
      { spec: { containers: [{ name: 'a', env: [{ name: 'Y', value: '2' }] }] } },
      pod({
        containers: [
          {
            name: 'a',
            image: '1',
            env: [
              { name: 'Y', value: '2' },
              { name: 'X', value: '1' },
            ],
          },
          containers[1],
        ],
      }),
    ],
    [
      'an item is deleted by $patch',
      { spec: { containers: [{ name: 'a', $patch: 'delete' }] } },
      pod({ containers: [containers[1]] }),
    ],
    [
      'an item is replaced by $patch',
      { spec: { containers: [{ name: 'a', image: '3', $patch: 'replace' }] } },
      pod({ containers: [{ name: 'a', image: '3' }, containers[1]] }),
    ],
    [
      'a whole list is replaced by a $patch item',
      { spec: { containers: [{ $patch: 'replace' }, { name: 'c' }] } },
      pod({ containers: [{ name: 'c' }] }),
    ],
    [
      'what an order names stands as it says',
      {
        spec: {
          containers: [{ name: 'c' }],
          '$setElementOrder/containers': [{ name: 'c' }, { name: 'b' }, { name: 'a' }],
        },
      },
      pod({ containers: [{ name: 'c' }, containers[1], containers[0]] }),
    ],
    [
      'a list without a merge key is replaced',
      { spec: { containers: [{ name: 'a', command: ['x'] }], tolerations: [{ key: 'k' }] } },
      pod({
        containers: [{ ...containers[0], command: ['x'] }, containers[1]],
        tolerations: [{ key: 'k' }],
      }),
    ],
    [
      'a list of plain values is a set',
      { metadata: { finalizers: ['a/z', 'a/x'] } },
      { ...pod({ containers }), metadata: { name: 'p', finalizers: ['a/z', 'a/x', 'a/y'] } },
    ],
    [
      'without an order, what is new comes first, and what was there keeps its place',
      { spec: { containers: [{ name: 'c' }, { name: 'b', image: '3' }] } },
      pod({ containers: [{ name: 'c' }, containers[0], { name: 'b', image: '3' }] }),
    ],
    [
      'values are deleted from a set',
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['a/x'] } },
      { ...pod({ containers }), metadata: { name: 'p', finalizers: ['a/y'] } },
    ],
    ['null deletes a field', { metadata: { finalizers: null } }, { ...pod({ containers }), metadata: { name: 'p' } }],
    ['an object is deleted', { spec: { $patch: 'delete' } }, { metadata: pod({}).metadata }],
    ['an object is replaced', { spec: { $patch: 'replace', nodeName: 'n' } }, pod({ nodeName: 'n' })],
  ]
  for (const [name, patch, wanted] of cases)
    t.strictSame(applyStrategicPatch(pod({ containers }), patch, 'core/v1.Pod'), wanted, name)
})

t.test('strategic merge patch: $retainKeys drops what it does not list', async (t) => {
  const deployment = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } }
  const patch = { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } }
  t.strictSame(applyStrategicPatch(deployment, patch, 'apps/v1.Deployment'), {
    spec: { strategy: { type: 'Recreate' } },
  })
})

t.test('strategic merge patch: what cannot be read is refused', async (t) => {
  for (const patch of [
    { spec: { containers: [{ image: 'no name' }] } },
    { spec: { containers: ['text'] } },
    { spec: { $patch: 'explode' } },
    'text',
  ])
    t.throws(
      () => applyStrategicPatch(pod({ containers: [] }), patch, 'core/v1.Pod'),
      { code: 400 },
      JSON.stringify(patch),
    )
})

t.test('JSON patch: copies that double what they copied end at a limit', async (t) => {
  const doubling = Array.from({ length: 100 }, (_, at) => ({ op: 'copy', from: '/data', path: `/data/k${at}` }))
  t.throws(() => applyJsonPatch({ data: { a: 'x' } }, doubling), { code: 413 })
  const many = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/a', value: 1 }))
  t.throws(() => applyJsonPatch({ a: 1 }, many), { code: 413, message: /10000, got 10001/ })
  t.strictSame(applyJsonPatch({ a: 1 }, many.slice(1)), { a: 1 }, 'as many as the real server takes')
})

t.test('JSON patch: neither the target nor the patch is changed', async (t) => {
  const target = { list: [{ a: 1 }] }
  const patch = [
    { op: 'add', path: '/new', value: { items: [] } },
    { op: 'add', path: '/new/items/-', value: 1 },
    { op: 'copy', from: '/list/0', path: '/list/-' },
    { op: 'replace', path: '/list/0/a', value: 2 },
  ]
  const wanted = { list: [{ a: 2 }, { a: 1 }], new: { items: [1] } }
  t.strictSame(applyJsonPatch(target, patch), wanted)
  t.strictSame(applyJsonPatch(target, patch), wanted, 'again')
  t.strictSame(target, { list: [{ a: 1 }] })
  const labels = { app: 'web' }
  t.strictSame(
    applyJsonPatch({ labels, template: { labels } }, [{ op: 'add', path: '/template/labels/more', value: 'x' }]),
    { labels: { app: 'web' }, template: { labels: { app: 'web', more: 'x' } } },
    'what is one object in two places is changed in one',
  )
})

t.test('names of the language are names like all others', async (t) => {
  const text = '{"data":{"__proto__":{"polluted":"yes"},"constructor":"c"}}'
  const ownKeys = (value: unknown) => Object.keys((value as { data: object }).data)
  const bare = { data: {} }
  t.strictSame(ownKeys(applyMergePatch(bare, JSON.parse(text))), ['__proto__', 'constructor'])
  t.strictSame(ownKeys(applyStrategicPatch(bare, JSON.parse(text), 'core/v1.ConfigMap')), ['__proto__', 'constructor'])
  t.strictSame(ownKeys(applyJsonPatch(bare, [{ op: 'add', path: '/data/__proto__', value: { polluted: 'yes' } }])), [
    '__proto__',
  ])
  t.throws(() => applyJsonPatch(bare, [{ op: 'add', path: '/__proto__/polluted', value: 'yes' }]), {
    name: 'PatchFailure',
  })
  t.match(
    applyJsonPatch(bare, [{ op: 'copy', from: '/constructor', path: '/data/a' }]),
    { data: { a: null } },
    'what is not there is null',
  )
  t.equal(({} as { polluted?: string }).polluted, undefined)
})

t.test('what a patch costs grows with its size, not with its square', async (t) => {
  const texts = (from: number, count: number) => Array.from({ length: count }, (_, at) => `e.io/${from + at}`)
  const containers = (count: number) => Array.from({ length: count }, (_, at) => ({ name: `c${at}`, image: 'i' }))
  const keys = (count: number) => Object.fromEntries(texts(0, count).map((text) => [text.replace('/', '-'), 'v']))
  const cases: [name: string, work: (size: number) => unknown][] = [
    [
      'plain values',
      (size) =>
        applyStrategicPatch(
          { metadata: { finalizers: texts(0, size) } },
          { metadata: { finalizers: texts(size, size), '$deleteFromPrimitiveList/finalizers': texts(0, size) } },
          'core/v1.Pod',
        ),
    ],
    [
      'items with a key',
      (size) =>
        applyStrategicPatch(
          { spec: { containers: containers(size) } },
          { spec: { containers: containers(size).reverse(), '$setElementOrder/containers': containers(size) } },
          'core/v1.Pod',
        ),
    ],
    [
      'retained keys',
      (size) => applyStrategicPatch(keys(size), { $retainKeys: Object.keys(keys(size)) }, 'core/v1.Pod'),
    ],
    [
      'items that somebody applies',
      (size) =>
        merge(
          { spec: { containers: containers(size) } },
          { spec: { containers: containers(size).reverse() } },
          shapeOf('core/v1.Pod'),
        ),
    ],
    [
      'operations on a large object',
      (size) =>
        applyJsonPatch(
          { data: keys(size) },
          texts(0, Math.min(size, 10_000)).map((_, at) => ({ op: 'add', path: `/data/n${at}`, value: 'v' })),
        ),
    ],
  ]
  for (const [name, work] of cases) {
    work(1_000)
    const small = Math.max(5, await leastCpuMs(() => work(2_000)))
    const large = await leastCpuMs(() => work(20_000))
    t.ok(large < 40 * small, `${name}: ${Math.round(small)} ms, ten times as much: ${Math.round(large)} ms`)
  }
})
