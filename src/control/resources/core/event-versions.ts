/** Event as events.k8s.io writes it: other names for the same fields, and in its v1 stricter rules for new ones. */

import { type FieldError, invalidValue, required } from '../../../api/errors.ts'
import { checkSubdomain } from '../../../api/names.ts'
import type { Event } from '../../../api/types/index.ts'
import { renamed } from '../conversion.ts'
import type { OtherVersion } from '../definition.ts'

const { toStored, fromStored } = renamed({
  involvedObject: 'regarding',
  message: 'note',
  source: 'deprecatedSource',
  firstTimestamp: 'deprecatedFirstTimestamp',
  lastTimestamp: 'deprecatedLastTimestamp',
  count: 'deprecatedCount',
  reportingComponent: 'reportingController',
})

const validateSeries = ({ series }: Event): FieldError[] =>
  series
    ? [
        ...((series.count ?? 0) < 2 ? [invalidValue('series.count', '', 'should be at least 2')] : []),
        ...(series.lastObservedTime ? [] : [required('series.lastObservedTime')]),
      ]
    : []

const unset = (field: string, value: unknown): FieldError[] =>
  value ? [invalidValue(field, '', 'needs to be unset')] : []

const validateName = ({ metadata: { name } }: Event): FieldError[] => {
  const message = name ? checkSubdomain(name) : undefined
  return message === undefined ? [] : [invalidValue('metadata.name', name, message)]
}

const validateCreate = (event: Event): FieldError[] => [
  ...validateName(event),
  ...validateSeries(event),
  ...(event.eventTime ? [] : [required('eventTime')]),
  ...(event.type === 'Normal' || event.type === 'Warning'
    ? []
    : [invalidValue('type', '', `has invalid value: ${event.type ?? ''}`)]),
  ...unset('firstTimestamp', event.firstTimestamp),
  ...unset('lastTimestamp', event.lastTimestamp),
  ...unset('count', event.count),
  ...unset('source', event.source?.component || event.source?.host),
]

const about = (name: keyof Event['involvedObject']) => (event: Event) => event.involvedObject?.[name] ?? ''

const fields: OtherVersion<Event>['fields'] = {
  'regarding.kind': about('kind'),
  'regarding.namespace': about('namespace'),
  'regarding.name': about('name'),
  'regarding.uid': about('uid'),
  'regarding.apiVersion': about('apiVersion'),
  'regarding.resourceVersion': about('resourceVersion'),
  'regarding.fieldPath': about('fieldPath'),
  reason: (event) => event.reason ?? '',
  reportingController: (event) => event.reportingComponent ?? '',
  type: (event) => event.type ?? '',
}

const convert = { toStored, fromStored }
const group = 'events.k8s.io'

/** As in Kubernetes, an event that is changed is held against the rules of the core group only. Errors name the fields as they are kept, which is what Kubernetes does. */
export const eventVersions: readonly OtherVersion<Event>[] = [
  { group, version: 'v1', convert, fields, validateCreate },
  { group, version: 'v1beta1', convert, fields },
]
