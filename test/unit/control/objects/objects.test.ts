/** Objects, read and written by the rules of the API. */
import t from 'tap'
import { createFakeClock } from '../../../../src/api/clock.ts'
import type { KubeObject } from '../../../../src/api/types/index.ts'
import type { Admission, Review } from '../../../../src/control/objects/admission.ts'
import { createObjects, type ObjectsOptions } from '../../../../src/control/objects/objects.ts'
import { bucketOf, type ResourceDefinition } from '../../../../src/control/resources/definition.ts'
import { RevisionMismatch } from '../../../../src/control/storage/backend.ts'
import { createMemoryBackend } from '../../../../src/control/storage/memory-backend.ts'
import { EntryTooLarge, type Store, type Write } from '../../../../src/control/storage/store.ts'
import { openStore } from '../../../../src/control/storage/watch-cache.ts'
import { type Widget, widget, widgets } from '../../../support/test-kind.ts'

const user = { name: 'jane', groups: [] }
const row = widgets()
/** What a name is that is there already. */
const taken = { code: 409, reason: 'AlreadyExists' }
const here = { namespace: 'team', name: 'a' }
const keyOf = (definition: ResourceDefinition, name: string) => ({ bucket: bucketOf(definition), name })

const open = async (more: Partial<ObjectsOptions> = {}, change = (store: Store): Store => store) => {
  const store = change(await openStore(createMemoryBackend()))
  let made = 0
  const objects = createObjects({
    ...{ store, clock: createFakeClock(Date.UTC(2026, 0, 1)), admissions: [] },
    newUid: () => `u${++made}`,
    newSuffix: () => `0000${made}`,
    ...more,
  })
  const create = (given: Widget = widget('a'), definition = row) => objects.create(definition, 'team', given, { user })
  const write = (edit: (old: Widget) => KubeObject, options: object = {}, definition = row) =>
    objects.update(definition, here, 'main', (old) => edit(old as Widget), { user, ...options }) as Promise<Widget>
  return { store, objects, create, write }
}
const sized = (size: number) => (old: Widget) => ({ ...old, spec: { size } })
/** As clients write that do not say what they have read. */
const unversioned =
  (edit: (old: Widget) => KubeObject) =>
  (old: Widget): KubeObject => {
    const { resourceVersion: _, ...metadata } = old.metadata
    return edit({ ...old, metadata })
  }

/** Fails the next writes. */
const failing =
  (failures: (Error | ((write: Write) => Error))[]) =>
  (store: Store): Store => ({
    ...store,
    get revision() {
      return store.revision
    },
    commit: async (...writes) => {
      const failure = failures.shift()
      if (failure && writes[0]) throw failure instanceof Error ? failure : failure(writes[0])
      return store.commit(...writes)
    },
  })
const raced = ({ key, expected }: Write): Error => new RevisionMismatch(key, expected, 7, 0)

t.test('made, read, changed, deleted', async (t) => {
  const { objects, create, write, store } = await open()
  t.throws(() => objects.get(row, here), { code: 404, message: 'widgets.lab.example "a" not found' })
  const made = await create()
  t.match(made.metadata, {
    ...{ name: 'a', namespace: 'team', uid: 'u1', creationTimestamp: '2026-01-01T00:00:00Z' },
    resourceVersion: String(store.revision),
  })
  t.strictSame(objects.get(row, here), made)
  t.ok(store.get(keyOf(row, 'team/a')))
  await t.rejects(create(), { code: 409, reason: 'AlreadyExists', message: /"a" already exists/ })
  const changed = await write(sized(2))
  t.match(changed, { spec: { size: 2 }, metadata: { uid: 'u1', resourceVersion: String(store.revision) } })
  t.strictSame(objects.get(row, here), changed)
  const { revision } = store
  t.strictSame(await write(sized(2)), changed, 'a change that changes nothing')
  t.equal(store.revision, revision, 'is not written')
  const { object, gone } = await objects.delete(row, here, {}, { user })
  t.equal(gone, true)
  t.match(object, { spec: { size: 2 }, metadata: { resourceVersion: String(store.revision) } })
  await t.rejects(objects.delete(row, here, {}, { user }), { code: 404 })
  await t.rejects(write(sized(3)), { code: 404 })
})

t.test('kinds without namespaces', async (t) => {
  const { objects, store } = await open()
  const wide = widgets({ namespaced: false })
  await objects.create(wide, undefined, widget('a'), { user })
  t.ok(store.get(keyOf(wide, 'a')))
  t.equal(objects.get(wide, { namespace: undefined, name: 'a' }).metadata.name, 'a')
})

t.test('what is wrong is refused, and written nowhere', async (t) => {
  const checked = widgets({
    validate: ({ spec }) =>
      (spec?.size ?? 0) < 0 ? [{ reason: 'FieldValueInvalid', field: 'spec.size', message: 'Invalid value' }] : [],
    validateUpdate: ({ spec }, old) =>
      (spec?.size ?? 0) < (old.spec?.size ?? 0)
        ? [{ reason: 'FieldValueForbidden', field: 'spec.size', message: 'Forbidden: it only grows' }]
        : [],
  })
  const { objects, create, write, store } = await open()
  await t.rejects(create(widget('a', {}, { spec: { size: -1 } }), checked), {
    ...{ code: 422, reason: 'Invalid', message: /^Widget\.lab\.example "a" is invalid: spec\.size: Invalid value$/ },
  })
  await t.rejects(create(widget('-x'), checked), { code: 422, message: /metadata\.name: .*begins with a letter/ })
  await t.rejects(create(widget('', { generateName: '-x' }), checked), { code: 422, message: /"-x/ })
  t.equal(store.revision, (await open()).store.revision, 'nothing was written')
  await create(widget('a', {}, { spec: { size: 2 } }), checked)
  await t.rejects(write(sized(1), {}, checked), { code: 422, message: /it only grows/ })
  await t.rejects(write(sized(-1), {}, checked), { code: 422, message: /it only grows.*Invalid value/s })
  const internal = await objects.update(checked, here, 'internal', (old) => sized(1)(old as Widget), { user })
  t.match(internal, { spec: { size: 1 } }, 'the server itself may change what no client may')
  const ending = { ...widget('b', { finalizers: ['a/b'] }) }
  await create(ending)
  await objects.delete(row, { namespace: 'team', name: 'b' }, {}, { user })
  await t.rejects(
    objects.update(
      row,
      { namespace: 'team', name: 'b' },
      'main',
      (old) => ({ ...old, metadata: { ...old.metadata, finalizers: ['a/b', 'c/d'] } }),
      { user },
    ),
    { code: 422, message: /no new finalizers can be added/ },
  )
})

t.test('errors name fields as that version has them', async (t) => {
  const { objects } = await open()
  const stored = widgets({
    validate: () => [{ reason: 'FieldValueRequired', field: 'spec.size', message: 'Required value' }],
  })
  const same = (each: KubeObject): KubeObject => each
  const shownField = (path: string): string => path.replace('size', 'length')
  const beta: ResourceDefinition = {
    ...{ ...stored, version: 'v1beta1' },
    stored: { row: stored, convert: { toStored: same, fromStored: same, shownField } },
  }
  await t.rejects(objects.create(beta, 'team', widget('a'), { user }), { message: /spec\.length: Required value/ })
})

t.test('which one was meant: its revision, and its uid', async (t) => {
  const { create, write } = await open()
  const first = await create()
  await write(sized(2))
  await t.rejects(
    write(() => first),
    { code: 409, reason: 'Conflict', message: /the object has been modified/ },
    'of before',
  )
  const other = (uid: string) => unversioned((old) => ({ ...sized(3)(old), metadata: { ...old.metadata, uid } }))
  await t.rejects(write(other('u9')), {
    ...{ code: 409, message: /Precondition failed: UID in precondition: u9, UID in object meta: u1/ },
  })
  t.match(await write(other('')), { spec: { size: 3 } })
  t.match(await write(unversioned(sized(4))), { spec: { size: 4 } })
})

t.test('somebody else was faster', async (t) => {
  const failures: (Error | ((write: Write) => Error))[] = []
  const { create, write, objects, store } = await open({}, failing(failures))
  failures.push(raced)
  await t.rejects(create(), { code: 409, reason: 'AlreadyExists' }, 'it is there now')
  await create()
  failures.push(raced, raced)
  let calls = 0
  const again = unversioned((old) => {
    calls++
    return sized(2)(old)
  })
  t.match(await write(again), { spec: { size: 2 } })
  t.equal(calls, 3, 'tried again on what is there then')
  failures.push(raced)
  await t.rejects(write(sized(3)), { code: 409, message: /the object has been modified/ }, 'who names a revision hears')
  failures.push(...Array.from({ length: 16 }, () => raced))
  await t.rejects(write(unversioned(sized(4))), { code: 500, message: /is being changed too often by others/ })
  t.equal(failures.length, 0)
  failures.push(...Array.from({ length: 15 }, () => raced))
  t.match(await write(unversioned(sized(4))), { spec: { size: 4 } }, 'the sixteenth time')
  failures.push(raced)
  t.equal((await objects.delete(row, here, {}, { user })).gone, true)
  t.equal(store.get(keyOf(row, 'team/a')), undefined)
})

t.test('what the medium says', async (t) => {
  const failures: (Error | ((write: Write) => Error))[] = []
  const { create, write, objects } = await open({}, failing(failures))
  const large = new EntryTooLarge(keyOf(row, 'team/a'), 2_000_000)
  const broken = new Error('the disk is full')
  failures.push(large)
  await t.rejects(create(), { code: 413, message: /larger than the limit of 1572864 bytes/ })
  failures.push(broken)
  await t.rejects(create(), broken)
  await create()
  failures.push(large)
  await t.rejects(write(unversioned(sized(2))), { code: 413 })
  failures.push(broken)
  await t.rejects(write(unversioned(sized(2))), broken)
  failures.push(broken)
  await t.rejects(objects.delete(row, here, {}, { user }), broken)
  t.equal(objects.get(row, here).metadata.uid !== undefined, true)
})

t.test('generated names are tried until one is free', async (t) => {
  let at = 0
  const suffixes = ['aaaaa', 'aaaaa', 'aaaaa', 'bbbbb']
  const { create } = await open({ newSuffix: () => suffixes[at++] ?? 'aaaaa' })
  const generated = () => create(widget('', { generateName: 'web-' }))
  t.equal((await generated()).metadata.name, 'web-aaaaa')
  t.equal((await generated()).metadata.name, 'web-bbbbb')
  t.equal(at, 4)
  await t.rejects(generated(), taken)
  t.equal(at, 20, 'sixteen times')
  await t.rejects(create(widget('web-bbbbb', { generateName: 'web-' })), taken)
  t.equal(at, 21, 'a name that was given is tried once')
})

t.test('finalizers and grace keep what is deleted', async (t) => {
  const { objects, create, write, store } = await open()
  await create(widget('a', { finalizers: ['a/b'] }))
  const { object, gone } = await objects.delete(row, here, {}, { user })
  t.equal(gone, false)
  t.match(object.metadata, { deletionTimestamp: '2026-01-01T00:00:00Z', resourceVersion: String(store.revision) })
  const { revision } = store
  t.match(await objects.delete(row, here, {}, { user }), { gone: false, object: { metadata: { uid: 'u1' } } })
  t.equal(store.revision, revision, 'once more changes nothing')
  const released = await write((old) => ({ ...old, metadata: { ...old.metadata, finalizers: [] } }))
  t.equal(released.metadata.resourceVersion, String(store.revision))
  t.equal(store.get(keyOf(row, 'team/a')), undefined, 'who lets go last ends it')
  const slow = widgets({ gracePeriod: (_, asked) => asked ?? 30 })
  await create(widget('a'), slow)
  t.equal((await objects.delete(slow, here, {}, { user })).gone, false)
  t.equal((await objects.delete(slow, here, { gracePeriodSeconds: 0 }, { user })).gone, true)
})

t.test('only the one that was meant is deleted', async (t) => {
  const { objects, create } = await open()
  await create()
  const wrong = { preconditions: { uid: 'other' } }
  await t.rejects(objects.delete(row, here, wrong, { user }), { code: 409 })
  t.ok(objects.get(row, here))
})

t.test('a dry run shows what would be, and writes nothing', async (t) => {
  const { objects, create, write, store } = await open()
  const dry = { user, dryRun: true }
  const before = store.revision
  t.match(await objects.create(row, 'team', widget('a'), dry), { metadata: { uid: 'u1', resourceVersion: undefined } })
  t.equal(store.revision, before)
  const made = await create()
  await t.rejects(objects.create(row, 'team', widget('a'), dry), taken)
  const { revision } = store
  t.match(await write(sized(2), dry), { spec: { size: 2 }, metadata: made.metadata })
  t.match(await objects.delete(row, here, {}, dry), { gone: true, object: { metadata: { uid: made.metadata.uid } } })
  t.equal(store.revision, revision)
  t.strictSame(objects.get(row, here), made)
})

t.test('who manages which field', async (t) => {
  const { objects, create, write } = await open()
  const seen: (readonly [KubeObject | undefined, KubeObject])[] = []
  const entry = (manager: string) => ({ manager, operation: 'Update' as const })
  const manage = (manager: string) => (old: KubeObject | undefined, now: KubeObject) => {
    seen.push([old, now])
    return [...(old?.metadata.managedFields ?? []), entry(manager)]
  }
  const made = await objects.create(row, 'team', widget('a'), { user, manage: manage('one') })
  t.strictSame(made.metadata.managedFields, [entry('one')])
  t.equal(seen[0]?.[0], undefined)
  const both = await write(sized(2), { manage: manage('two') })
  t.strictSame(both.metadata.managedFields, [entry('one'), entry('two')])
  t.match(seen[1], [{ metadata: { uid: 'u1' } }, { spec: { size: 2 } }])
  t.strictSame((await write(sized(3))).metadata.managedFields, both.metadata.managedFields, 'the server’s own writes')
  const claiming = (fields: readonly object[]) => (old: Widget) =>
    ({ ...old, metadata: { ...old.metadata, managedFields: fields } }) as KubeObject
  t.strictSame((await write(claiming([entry('x'), entry('y')]))).metadata.managedFields, both.metadata.managedFields)
  const reset = await write(claiming([{}]), { manage: manage('three') })
  t.strictSame(reset.metadata.managedFields, [entry('three')], 'one empty entry: everybody’s claims go')
  t.strictSame(
    (await write(claiming([{}, {}]), { manage: manage('four') })).metadata.managedFields,
    [entry('three'), entry('four')],
    'two are none',
  )
  const none = await write(sized(9), { manage: () => [] })
  t.notOk('managedFields' in none.metadata, 'none is no list')
  t.notOk('managedFields' in (await create(widget('b', { managedFields: [entry('x')] }))).metadata)
})

t.test('admissions: one after the other, and what they took is given back', async (t) => {
  const told: string[] = []
  const reviews: Review[] = []
  const admission = (name: string): Admission => ({
    name,
    admit: async (review) => {
      reviews.push(review)
      told.push(`${name} admits`)
      const { size = 0, color } = (review.object as Widget).spec ?? {}
      if (color === 'black') throw new Error('not black')
      return { ...review.object, spec: { size: size + 1, color } } as KubeObject
    },
    admitDeletion: ({ object }) => {
      told.push(`${name} lets ${object.metadata.name} go`)
      if (object.metadata.labels?.['keep']) throw new Error('kept')
    },
    revoke: ({ operation }) => void told.push(`${name} revokes ${operation}`),
  })
  const { objects, create, write } = await open({
    admissions: [admission('one'), admission('two'), { ...admission('three'), name: 'three' }],
  })
  const heard = () => told.splice(0)
  t.match(await create(), { spec: { size: 3 } })
  t.same(heard(), ['one admits', 'two admits', 'three admits'])
  t.match(reviews[0], { operation: 'create', old: undefined, user, dryRun: false, definition: { kind: 'Widget' } })
  t.match(reviews[1], { object: { spec: { size: 1 } } }, 'as the one before left it')
  await t.rejects(create(), taken)
  t.same(heard().slice(3), ['one revokes create', 'two revokes create', 'three revokes create'])
  await objects.create(row, 'team', widget('b'), { user, dryRun: true })
  t.same(heard().slice(3), ['one revokes create', 'two revokes create', 'three revokes create'])
  reviews.length = 0
  t.match(await write(sized(10)), { spec: { size: 13 } })
  t.match(reviews[0], { operation: 'update', old: { spec: { size: 3 } }, dryRun: false, user })
  t.same(heard(), ['one admits', 'two admits', 'three admits'])
  await t.rejects(
    write((old) => ({ ...old, spec: { color: 'black' } }) as KubeObject),
    /not black/,
  )
  t.same(heard(), ['one admits', 'one revokes update', 'two revokes update', 'three revokes update'])
  await write((old) => ({ ...old, metadata: { ...old.metadata, labels: { keep: 'yes' } } }))
  heard()
  await t.rejects(objects.delete(row, here, {}, { user }), /kept/)
  t.same(heard(), ['one lets a go'])
  t.ok(objects.get(row, here))
  await write((old) => ({ ...old, metadata: { ...old.metadata, labels: {} } }))
  heard()
  await objects.delete(row, here, {}, { user })
  t.same(heard(), ['one lets a go', 'two lets a go', 'three lets a go'])
})

t.test('admissions see the kind’s own row, whatever version is written', async (t) => {
  const rows: ResourceDefinition[] = []
  const { objects } = await open({
    admissions: [
      {
        name: 'look',
        admit: ({ definition, object }) => {
          rows.push(definition)
          return object
        },
        admitDeletion: ({ definition }) => void rows.push(definition),
      },
    ],
  })
  const beta: ResourceDefinition = { ...widgets({ version: 'v1beta1' }), stored: { row } }
  await objects.create(beta, 'team', widget('a'), { user })
  await objects.update(beta, here, 'main', (old) => sized(2)(old as Widget), { user })
  await objects.delete(beta, here, {}, { user })
  t.ok(rows.every((each) => each === row))
  t.equal(rows.length, 3)
})
