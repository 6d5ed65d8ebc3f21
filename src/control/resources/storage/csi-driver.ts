import { duplicate, type FieldError, invalidValue } from '../../../api/errors.ts'
import type { CSIDriver, TokenRequest } from '../../../api/types/kubernetes/storage-v1.ts'
import { ageColumn, column, list, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { immutable } from '../metadata.ts'
import { subdomainName } from '../names.ts'
import { repeatedAt } from '../repeated.ts'

const leastSeconds = 600
const mostSeconds = 2 ** 32

const validateSeconds = (seconds: number | undefined, field: string): FieldError[] => {
  if (seconds === undefined) return []
  if (seconds < leastSeconds) return [invalidValue(field, seconds, 'may not specify a duration less than 10 minutes')]
  return seconds > mostSeconds
    ? [invalidValue(field, seconds, 'may not specify a duration larger than 2^32 seconds')]
    : []
}

const validateTokens = (tokens: readonly TokenRequest[]): FieldError[] => {
  const audiences = tokens.map(({ audience }) => audience)
  return [
    ...repeatedAt(audiences).map((at) => duplicate(`spec.tokenRequests[${at}].audience`, audiences[at])),
    ...tokens.flatMap(({ expirationSeconds }, at) =>
      validateSeconds(expirationSeconds, `spec.tokenRequests[${at}].expirationSeconds`),
    ),
  ]
}

export const csiDriver = define<CSIDriver>({
  group: 'storage.k8s.io',
  version: 'v1',
  otherVersions: [{ version: 'v1beta1' }],
  plural: 'csidrivers',
  singular: 'csidriver',
  kind: 'CSIDriver',
  namespaced: false,
  nameRule: subdomainName,
  updateNeedsVersion: true,
  columns: [
    nameColumn,
    column(
      'AttachRequired',
      ({ spec }) => spec.attachRequired ?? true,
      'Whether volumes are attached first',
      'boolean',
    ),
    column('PodInfoOnMount', ({ spec }) => spec.podInfoOnMount ?? false, 'Whether it is told of the pod', 'boolean'),
    column('Modes', ({ spec }) => list(spec.volumeLifecycleModes ?? []), 'The kinds of volumes that it has'),
    ageColumn,
  ],
  defaults: (driver) => ({
    ...driver,
    spec: {
      ...{ attachRequired: true, podInfoOnMount: false, storageCapacity: false, requiresRepublish: false },
      ...{ fsGroupPolicy: 'ReadWriteOnceWithFSType', volumeLifecycleModes: ['Persistent'] },
      ...driver.spec,
    },
  }),
  validate: ({ spec }) => validateTokens(spec.tokenRequests ?? []),
  validateUpdate: ({ spec }, { spec: old }) => [
    ...immutable('spec.attachedRequired', spec.attachRequired, old.attachRequired),
    ...immutable('spec.fsGroupPolicy', spec.fsGroupPolicy, old.fsGroupPolicy),
    ...immutable('spec.volumeLifecycleModes', spec.volumeLifecycleModes, old.volumeLifecycleModes),
  ],
})
