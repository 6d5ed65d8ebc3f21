import { type FieldError, invalidValue } from '../../../api/errors.ts'
import type { Event } from '../../../api/types/index.ts'
import { column, nameColumn, since, wide } from '../columns.ts'
import { define } from '../definition.ts'
import { pathSegmentName } from '../names.ts'

/** When it was seen last: of a series, its last observation. */
const lastSeen = (event: Event): string | undefined =>
  event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? undefined

const firstSeen = (event: Event): string | undefined => event.firstTimestamp ?? event.eventTime ?? undefined

const objectText = ({ involvedObject: { kind, name } }: Event): string =>
  name ? `${(kind ?? '').toLowerCase()}/${name}` : (kind ?? '').toLowerCase()

const sourceText = (event: Event): string => {
  const component = event.source?.component || event.reportingComponent || ''
  const host = event.source?.host || event.reportingInstance
  return host ? `${component}, ${host}` : component
}

const validate = ({ metadata, involvedObject }: Event): FieldError[] => {
  const about = involvedObject.namespace || 'default'
  return metadata.namespace === about
    ? []
    : [invalidValue('involvedObject.namespace', involvedObject.namespace ?? '', 'does not match event.namespace')]
}

export const event = define<Event>({
  group: '',
  version: 'v1',
  plural: 'events',
  singular: 'event',
  kind: 'Event',
  namespaced: true,
  shortNames: ['ev'],
  nameRule: pathSegmentName,
  createOnUpdate: true,
  fields: {
    'involvedObject.kind': (e) => e.involvedObject.kind ?? '',
    'involvedObject.namespace': (e) => e.involvedObject.namespace ?? '',
    'involvedObject.name': (e) => e.involvedObject.name ?? '',
    'involvedObject.uid': (e) => e.involvedObject.uid ?? '',
    'involvedObject.apiVersion': (e) => e.involvedObject.apiVersion ?? '',
    'involvedObject.resourceVersion': (e) => e.involvedObject.resourceVersion ?? '',
    'involvedObject.fieldPath': (e) => e.involvedObject.fieldPath ?? '',
    reason: (e) => e.reason ?? '',
    reportingComponent: (e) => e.reportingComponent ?? '',
    source: (e) => e.source?.component ?? e.reportingComponent ?? '',
    type: (e) => e.type ?? '',
  },
  columns: [
    column('Last Seen', (e, now) => since(lastSeen(e), now), 'How long ago it happened last'),
    column('Type', (e) => e.type ?? '', 'Normal or Warning'),
    column('Reason', (e) => e.reason ?? '', 'What happened, in one word'),
    column('Object', objectText, 'What it happened to'),
    wide('Subobject', (e) => e.involvedObject.fieldPath ?? '', 'Which part of it'),
    wide('Source', sourceText, 'Who says so'),
    column('Message', (e) => (e.message ?? '').trim(), 'What happened'),
    wide('First Seen', (e, now) => since(firstSeen(e), now), 'How long ago it happened first'),
    wide('Count', (e) => e.series?.count ?? e.count ?? 1, 'How often it happened'),
    { ...nameColumn, priority: 1 },
  ],
  validate,
})
