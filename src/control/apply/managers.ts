/**
 * Who manages which field: `metadata.managedFields`. Every write by a client leaves there what it changed; who applies says
 * there what they wish, and two who wish different things of a field are told. Pure.
 */
import { type ApiError, fieldManagerConflict } from '../../api/errors.ts'
import type { KubeObject, ManagedFieldsEntry } from '../../api/types/index.ts'
import { difference, emptySet, type FieldSet, intersection, isEmpty, isEqual, pathsOf, union } from './field-set.ts'
import type { Shape } from './shape.ts'
import { type Changes, changesBetween, fieldsOfWish, merge, without } from './values.ts'

/** Who writes. */
export interface Manager {
  readonly name: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource?: string
}

/** One version of a kind: the shape that objects have there, and the way to and from the version that is worked in. */
export interface Form {
  readonly shape: Shape
  from(object: KubeObject): KubeObject
  to(object: KubeObject): KubeObject
}

/** By apiVersion; undefined for one that is not served (any more). */
export type FormOf = (apiVersion: string) => Form | undefined

interface Managed extends Manager {
  readonly time?: string
  readonly fields: FieldSet
}

/** Fields that are nobody's, since the server says what they are, or the object would be another one. */
const unmanaged: FieldSet = {
  'f:apiVersion': {},
  'f:kind': {},
  'f:metadata': {
    '.': {},
    ...Object.fromEntries(
      ['name', 'namespace', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink', 'uid']
        .concat(['generation', 'managedFields', 'resourceVersion'])
        .map((name) => [`f:${name}`, {}]),
    ),
  },
}
/** A status brings metadata along. */
const statusOnly = ({ 'f:status': status, 'f:metadata': metadata }: FieldSet): FieldSet => ({
  ...(metadata ? { 'f:metadata': metadata } : {}),
  ...(status ? { 'f:status': status } : {}),
})
const allButStatus = ({ 'f:status': _, ...rest }: FieldSet): FieldSet => rest

/** What of some fields a write can have to do with: a status has writers of its own. */
const reachOf = ({ subresource }: Manager, fields: FieldSet): FieldSet =>
  difference(subresource === 'status' ? statusOnly(fields) : allButStatus(fields), unmanaged)

/** Managers who only ever updated are many; the oldest become one. */
const mostUpdaters = 10
const ancient = 'ancient-changes'

const isFieldSet = (value: unknown): value is FieldSet => typeof value === 'object' && value !== null

const read = (entries: readonly ManagedFieldsEntry[] = []): readonly Managed[] =>
  entries.map(({ manager, operation, apiVersion, time, subresource, fieldsV1 }) => ({
    name: manager ?? '',
    operation: operation === 'Apply' ? 'Apply' : 'Update',
    apiVersion: apiVersion ?? '',
    ...(time === undefined ? {} : { time }),
    ...(subresource === undefined ? {} : { subresource }),
    fields: isFieldSet(fieldsV1) ? fieldsV1 : emptySet,
  }))

const isSame = (a: Manager, b: Manager): boolean =>
  a.name === b.name &&
  a.operation === b.operation &&
  (a.subresource ?? '') === (b.subresource ?? '') &&
  (a.operation === 'Apply' || a.apiVersion === b.apiVersion)

const order = (a: Managed, b: Managed): number =>
  (a.operation === b.operation ? 0 : a.operation === 'Apply' ? -1 : 1) ||
  (a.time ?? '').localeCompare(b.time ?? '') ||
  (a.name < b.name ? -1 : 1)

/** Those of one API version whose oldest are more than are kept, as one. */
const bounded = (managers: readonly Managed[]): readonly Managed[] => {
  const updaters = managers.filter(({ operation, subresource }) => operation === 'Update' && subresource === undefined)
  const over = updaters.length - mostUpdaters
  if (over <= 0) return managers
  const old = updaters.slice(0, over + 1)
  const [first] = old
  if (!first) return managers
  const fields = union(...old.map((each) => each.fields))
  return [...managers.filter((each) => !old.includes(each)), { ...first, name: ancient, fields }].sort(order)
}

const write = (managers: readonly Managed[]): readonly ManagedFieldsEntry[] =>
  bounded(managers.filter(({ fields }) => !isEmpty(fields)).sort(order)).map(
    ({ name, operation, apiVersion, time, subresource, fields }) => ({
      manager: name,
      operation,
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: fields,
      ...(subresource === undefined ? {} : { subresource }),
    }),
  )

/**
 * All managers after `manager` came to have `fields`: what they touched is no longer the others'. Whoever wrote a version that
 * is not served manages nothing that anybody could name.
 */
const settled = (
  own: Managed | undefined,
  others: readonly Managed[],
  changesIn: ChangesIn,
  now: Managed,
): readonly ManagedFieldsEntry[] => {
  const isKept = own !== undefined && isEqual(own.fields, now.fields)
  return write([
    ...others.flatMap((each) => {
      const changes = changesIn(each.apiVersion)
      return changes ? [{ ...each, fields: difference(each.fields, union(changes.changed, changes.removed)) }] : []
    }),
    // Who has what they had wrote nothing new.
    isKept ? { ...own, apiVersion: now.apiVersion } : now,
  ])
}

/** The manager among those of an object, and the others. */
const split = (old: KubeObject | undefined, manager: Manager) => {
  const managers = read(old?.metadata.managedFields)
  const own = managers.find((each) => isSame(each, manager))
  return { own, others: managers.filter((each) => each !== own) }
}

/** What a write changed and removed of what anybody manages, as a version shows it. */
type ChangesIn = (apiVersion: string) => Changes | undefined

const reachedChanges = (old: KubeObject | undefined, now: KubeObject, manager: Manager, formOf: FormOf): ChangesIn => {
  const known = new Map<string, Changes | undefined>()
  const find = (apiVersion: string): Changes | undefined => {
    const form = formOf(apiVersion)
    if (!form) return undefined
    const { changed, removed } = changesBetween(old && form.from(old), form.from(now), form.shape)
    return { changed: reachOf(manager, changed), removed: reachOf(manager, removed) }
  }
  return (apiVersion) => {
    if (!known.has(apiVersion)) known.set(apiVersion, find(apiVersion))
    return known.get(apiVersion)
  }
}

const unchanged: Changes = { changed: emptySet, removed: emptySet }

/** The entries after a write that changed `old` to `now`; the same ones when it changed nothing that is managed. */
export const managedAfter = (
  old: KubeObject | undefined,
  now: KubeObject,
  manager: Manager,
  formOf: FormOf,
  time: string,
): readonly ManagedFieldsEntry[] | undefined => {
  const changesIn = reachedChanges(old, now, manager, formOf)
  const { changed, removed } = changesIn(manager.apiVersion) ?? unchanged
  if (isEmpty(changed) && isEmpty(removed)) return old?.metadata.managedFields
  const { own, others } = split(old, manager)
  const fields = difference(union(own?.fields ?? emptySet, changed), removed)
  return settled(own, others, changesIn, { ...manager, time, fields })
}

export interface Applied {
  readonly object: KubeObject
  readonly managedFields: readonly ManagedFieldsEntry[]
}

/** What of a change is others'. */
const conflictsWith = (others: readonly Managed[], changesIn: ChangesIn): readonly Managed[] =>
  others
    .map((each) => ({
      ...each,
      fields: intersection(each.fields, changesIn(each.apiVersion)?.changed ?? emptySet),
    }))
    .filter(({ fields }) => !isEmpty(fields))

/** What somebody applied before and wishes no more, in the version that is worked in: they may have applied another one. */
const goneOf = (merged: KubeObject, own: Managed | undefined, wished: FieldSet, manager: Manager, formOf: FormOf) => {
  if (!own || own.apiVersion === manager.apiVersion) return difference(own?.fields ?? emptySet, wished)
  const [theirs, ours] = [formOf(own.apiVersion), formOf(manager.apiVersion)]
  if (!theirs || !ours) return emptySet
  const pruned = without(theirs.from(merged), own.fields, emptySet, theirs.shape) as KubeObject
  return difference(changesBetween(merged, theirs.to(pruned), ours.shape).removed, wished)
}

/** As Kubernetes names a manager in a conflict. */
const describe = ({ name, operation, apiVersion, subresource, time }: Managed): string =>
  `${JSON.stringify(name)}${subresource === undefined ? '' : ` with subresource ${JSON.stringify(subresource)}`}${
    operation === 'Update' ? ` using ${apiVersion}${time === undefined ? '' : ` at ${time}`}` : ''
  }`

const conflictOf = (conflicts: readonly Managed[]): ApiError =>
  fieldManagerConflict(
    conflicts.flatMap((each) => pathsOf(each.fields).map((field) => ({ field, manager: describe(each) }))),
  )

/** What a wish that was written down elsewhere set, where it still is so. */
const stillSet = (old: KubeObject | undefined, before: KubeObject | undefined, shape: Shape): FieldSet => {
  if (!old || !before) return emptySet
  const { changed, removed } = changesBetween(before, old, shape)
  return difference(fieldsOfWish(before, shape), union(changed, removed))
}

export interface ApplyOptions {
  readonly formOf: FormOf
  readonly time: string
  readonly isForced: boolean
  /** What the manager wished before under another name: of that, what is still so is theirs to take. */
  readonly before?: KubeObject | undefined
}

/**
 * The object as somebody who applies `wish` makes it, and who manages what then. What they applied before and do not wish any
 * more goes, unless others hold it. Throws Conflict when others hold what would change, unless it is forced. `old` and `wish`
 * are of the manager's version, and `formOf` leads from it.
 */
export const apply = (
  old: KubeObject | undefined,
  wish: KubeObject,
  manager: Manager,
  options: ApplyOptions,
): Applied => {
  const { formOf } = options
  const shape = formOf(manager.apiVersion)?.shape
  if (!shape) throw new Error(`${manager.apiVersion} is not served`)
  const { own, others } = split(old, manager)
  const wished = reachOf(manager, fieldsOfWish(wish, shape))

  const merged = old ? merge(old, wish, shape) : wish
  const [alike, unlike] = [true, false].map((is) =>
    others.filter((each) => (each.apiVersion === manager.apiVersion) === is),
  )
  const kept = union(wished, ...(alike ?? []).map(({ fields }) => fields))
  const gone = goneOf(merged as KubeObject, own, wished, manager, formOf)
  const pruned = without(merged, gone, kept, shape) as KubeObject
  // What somebody holds through another version has no name here: then all of it stays.
  const takenIn = reachedChanges(merged as KubeObject, pruned, manager, formOf)
  const isTaken = (unlike ?? []).some(
    ({ apiVersion, fields }) => !isEmpty(intersection(fields, takenIn(apiVersion)?.removed ?? emptySet)),
  )
  const object = isTaken ? (merged as KubeObject) : pruned

  const changesIn = reachedChanges(old, object, manager, formOf)
  if (!options.isForced) {
    const allowed = stillSet(old, options.before, shape)
    const conflicts = conflictsWith(others, changesIn)
      .map((each) => ({ ...each, fields: difference(each.fields, allowed) }))
      .filter(({ fields }) => !isEmpty(fields))
    if (conflicts.length > 0) throw conflictOf(conflicts)
  }
  // Without conflicts nothing that changed was anybody else's.
  return { object, managedFields: settled(own, others, changesIn, { ...manager, time: options.time, fields: wished }) }
}
