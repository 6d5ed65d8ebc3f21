import { type FieldError, invalidValue, required } from '../../../api/errors.ts'
import { checkQualifiedName } from '../../../api/names.ts'
import type { Event } from '../../../api/types/index.ts'
import { column, nameColumn, since, wide } from '../columns.ts'
import { define } from '../definition.ts'
import { ifWrong, pathSegmentName } from '../names.ts'
import { eventVersions } from './event-versions.ts'

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

const reasonLimit = 128
const noteLimit = 1024

const wrongNamespace = (namespace: string): FieldError[] => [
  invalidValue('involvedObject.namespace', namespace, 'does not match event.namespace'),
]

const requiredWord = (field: string, word: string | undefined): FieldError[] => [
  ...(word ? [] : [required(field)]),
  ...((word ?? '').length > reasonLimit ? [invalidValue(field, '', `can have at most ${reasonLimit} characters`)] : []),
]

/** What `eventTime` marks as an event of the newer kind. */
const validateNew = (event: Event): FieldError[] => [
  ...(!event.involvedObject.namespace && event.metadata.namespace !== 'kube-system' ? wrongNamespace('') : []),
  ...(event.reportingComponent ? [] : [required('reportingController')]),
  ...ifWrong(checkQualifiedName(event.reportingComponent ?? ''), 'reportingController', event.reportingComponent ?? ''),
  ...requiredWord('reportingInstance', event.reportingInstance),
  ...requiredWord('action', event.action),
  ...requiredWord('reason', event.reason),
  ...((event.message ?? '').length > noteLimit
    ? [invalidValue('message', '', `can have at most ${noteLimit} characters`)]
    : []),
]

const validate = (event: Event): FieldError[] => {
  if (event.eventTime) return validateNew(event)
  const { namespace = '' } = event.involvedObject
  return event.metadata.namespace === (namespace || 'default') ? [] : wrongNamespace(namespace)
}

export const event = define<Event>({
  group: '',
  version: 'v1',
  plural: 'events',
  singular: 'event',
  kind: 'Event',
  namespaced: true,
  shortNames: ['ev'],
  otherVersions: eventVersions,
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
