/** Annotations of an Ingress to what they mean. Pure. */
import { plainPolicy, type RoutePolicy } from '../policy/policy.ts'
import { nearest } from './nearest.ts'
import { createReading, type OpenReading } from './reading.ts'
import type { Part, Row } from './row.ts'
import type { IngressSettings, Lookup } from './settings.ts'
import { type AnnotationValues, annotationTable, parts, rowOf } from './table.ts'
import { WrongValue } from './value.ts'
import { ownKey, type Written, writtenKeys } from './written.ts'

/** What ingress-nginx does without annotations. */
export const ingressDefaults: RoutePolicy = {
  ...plainPolicy,
  timeouts: { connect: 5000, send: 60_000, read: 60_000 },
  maxBodyBytes: 1024 ** 2,
  sslRedirect: 'with-certificate',
}

export interface AnnotatedIngress {
  readonly namespace: string
  readonly annotations: Readonly<Record<string, string>>
}

/** The row of a key under the prefix that it was written with. */
const knownRow = ({ key, isOurs }: Written): Row<unknown> | undefined => {
  const row = rowOf(key)
  return row?.isOwn && !isOurs ? undefined : row
}

const unknownReason = ({ key }: Written): string => {
  if (rowOf(key)) return `unknown annotation, did you mean ${ownKey(key)}?`
  const close = nearest(key, Object.keys(annotationTable))
  return close === undefined ? 'unknown annotation' : `unknown annotation, did you mean ${close}?`
}

const readValue = (row: Row<unknown>, { value }: Written): { readonly value: unknown } | { readonly wrong: string } => {
  const text = value.trim()
  if (text === '') return { wrong: 'is empty' }
  try {
    return { value: row.read(text) }
  } catch (error) {
    if (error instanceof WrongValue) return { wrong: error.message }
    throw error
  }
}

const readRow = (row: Row<unknown>, written: Written, reading: OpenReading): readonly [string, unknown][] => {
  const { key } = written
  const { note } = row
  if (note) reading.tell(note.severity, key, note.reason)
  const read = readValue(row, written)
  if ('value' in read) return [[key, read.value]]
  reading.breaks(key)
  if (row.guards) reading.block(key, read.wrong)
  else reading.tell('error', key, read.wrong)
  return []
}

const readRows = (written: readonly Written[], reading: OpenReading): AnnotationValues => {
  const entries = written.flatMap((each) => {
    const row = knownRow(each)
    if (row) return readRow(row, each, reading)
    reading.tell('error', each.key, unknownReason(each))
    return []
  })
  // Each value is what the row of its own key has read.
  return Object.fromEntries(entries) as AnnotationValues
}

/** A canary takes everything else from the Ingress that it is a canary of. */
const tellIgnored = (written: readonly Written[], reading: OpenReading): void => {
  for (const each of written) {
    const row = knownRow(each)
    if (row && !row.inCanary && !row.note)
      reading.tell('warning', each.key, 'has no effect in a canary: what the main Ingress says counts')
  }
}

const join = (found: readonly Part[], defaults: RoutePolicy, reading: OpenReading): IngressSettings => {
  const base = { regex: false, aliases: [], wwwRedirect: false, passthrough: false, serviceUpstream: false }
  const policies = found.map(({ policy }) => policy ?? {})
  const blocked = reading.blocked()
  const policy: RoutePolicy = Object.assign({}, defaults, ...policies, blocked && { blocked })
  return Object.assign({ ...base, errorStatuses: [] }, ...found, { policy, ...reading.looked() })
}

/**
 * Reads the annotations of one Ingress, under the prefix of ingress-nginx and under ours, which goes first. What is wrong
 * becomes a problem and keeps its default; where it decides who may ask, the routes are closed (`policy.blocked`). Never
 * throws for what people write.
 */
export const readAnnotations = (
  { namespace, annotations }: AnnotatedIngress,
  lookup: Lookup,
  defaults: RoutePolicy = ingressDefaults,
): IngressSettings => {
  const written = writtenKeys(annotations)
  const reading = createReading({ namespace, lookup, defaults, written })
  const values = readRows(written, reading)
  const found = parts.map((part) => part(values, reading))
  if (found.some((part) => part.canary)) tellIgnored(written, reading)
  return join(found, defaults, reading)
}
