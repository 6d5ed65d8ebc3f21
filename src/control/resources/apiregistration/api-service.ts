import { type FieldError, forbiddenField, invalidValue, notSupported, required } from '../../../api/errors.ts'
import { checkSubdomain } from '../../../api/names.ts'
import type { APIService } from '../../../api/types/kubernetes/apiregistration-v1.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { checkLabel1035, checkPathSegment, ifWrong } from '../names.ts'

const between = (value: number, most: number, field: string): FieldError[] =>
  value > 0 && value <= most ? [] : [invalidValue(field, value, `must be positive and less than or equal to ${most}`)]

const conditionStates = ['True', 'False', 'Unknown']

const validate = ({ metadata, spec, status: { conditions = [] } = {} }: APIService): FieldError[] => {
  const { group = '', version = '', service, insecureSkipTLSVerify = false, caBundle = '' } = spec ?? {}
  const name = `${version}.${group}`
  return [
    ...conditions.flatMap((each, at) =>
      conditionStates.includes(each.status)
        ? []
        : [notSupported(`status.conditions[${at}].status`, each.status, conditionStates)],
    ),
    ...(metadata.name === name || metadata.name === ''
      ? []
      : [
          invalidValue(
            'metadata.name',
            metadata.name,
            `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`,
          ),
        ]),
    ...(group === ''
      ? version === 'v1'
        ? []
        : [required('spec.group', 'only v1 may have an empty group and it better be legacy kube')]
      : ifWrong(checkSubdomain(group), 'spec.group', group)),
    ...ifWrong(checkLabel1035(version), 'spec.version', version),
    ...between(spec?.groupPriorityMinimum ?? 0, 20_000, 'spec.groupPriorityMinimum'),
    ...between(spec?.versionPriority ?? 0, 1_000, 'spec.versionPriority'),
    ...(service && !service.namespace ? [required('spec.service.namespace')] : []),
    ...(service && !service.name ? [required('spec.service.name')] : []),
    ...(!service && (caBundle !== '' || insecureSkipTLSVerify)
      ? [forbiddenField('spec.caBundle', 'local APIServices may not have a caBundle or skip the verification of one')]
      : []),
    ...(insecureSkipTLSVerify && caBundle !== ''
      ? [invalidValue('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present')]
      : []),
  ]
}

const availability = ({ status }: APIService): string => {
  const found = status?.conditions?.find(({ type }) => type === 'Available')
  if (!found) return 'Unknown'
  return found.status === 'True' ? 'True' : `${found.status} (${found.reason ?? ''})`
}

export const apiService = define<APIService>({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  otherVersions: [{ version: 'v1beta1' }],
  plural: 'apiservices',
  singular: 'apiservice',
  kind: 'APIService',
  namespaced: false,
  categories: ['api-extensions'],
  // `v1.` is the one of the group without a name.
  nameRule: { check: checkPathSegment },
  status: 'separate',
  updateNeedsVersion: true,
  onCreate: (service) => ({ ...service, status: {} }),
  columns: [
    nameColumn,
    column(
      'Service',
      ({ spec }) => (spec?.service ? `${spec.service.namespace}/${spec.service.name}` : 'Local'),
      'Who answers for it',
    ),
    column('Available', availability, 'Whether it is answered'),
    ageColumn,
  ],
  defaults: (service) =>
    service.spec?.service
      ? { ...service, spec: { ...service.spec, service: { port: 443, ...service.spec.service } } }
      : service,
  validate,
})
