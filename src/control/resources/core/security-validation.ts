/** Whose processes a pod's are, and what they may. */
import { duplicate, type FieldError, invalidValue, notSupported, required } from '../../../api/errors.ts'
import type { PodSpec, SecurityContext } from '../../../api/types/index.ts'
import type { SeccompProfile } from '../../../api/types/kubernetes/core-v1.ts'
import { repeatedAt } from '../repeated.ts'
import { validateDescendingPath } from './volume-validation.ts'

const highestId = 2 ** 31 - 1

const validateId = (id: number | undefined, field: string): FieldError[] =>
  id === undefined || (id >= 0 && id <= highestId)
    ? []
    : [invalidValue(field, id, `must be between 0 and ${highestId}, inclusive`)]

const seccompTypes = ['Localhost', 'RuntimeDefault', 'Unconfined']

const validateSeccomp = (profile: SeccompProfile | undefined, field: string): FieldError[] => {
  if (!profile) return []
  const { type, localhostProfile } = profile
  const isFile = type === 'Localhost'
  return [
    ...(seccompTypes.includes(type) ? [] : [notSupported(`${field}.type`, type ?? '', seccompTypes)]),
    ...(isFile && localhostProfile === undefined
      ? [required(`${field}.localhostProfile`, 'must be set when seccomp type is Localhost')]
      : []),
    ...(isFile && localhostProfile !== undefined
      ? validateDescendingPath(localhostProfile, `${field}.localhostProfile`)
      : []),
    ...(!isFile && localhostProfile !== undefined
      ? [invalidValue(`${field}.localhostProfile`, profile, 'can only be set when seccomp type is Localhost')]
      : []),
  ]
}

export const validateContainerSecurity = (context: SecurityContext | undefined, field: string): FieldError[] => {
  if (!context) return []
  const { runAsUser, runAsGroup, privileged, allowPrivilegeEscalation, capabilities, seccompProfile } = context
  const cannot = (what: string) => [
    invalidValue(field, context, `cannot set \`allowPrivilegeEscalation\` to false and ${what}`),
  ]
  return [
    ...validateId(runAsUser, `${field}.runAsUser`),
    ...validateId(runAsGroup, `${field}.runAsGroup`),
    ...validateSeccomp(seccompProfile, `${field}.seccompProfile`),
    ...(allowPrivilegeEscalation === false && privileged ? cannot('`privileged` to true') : []),
    ...(allowPrivilegeEscalation === false && capabilities?.add?.includes('CAP_SYS_ADMIN')
      ? cannot('`capabilities.Add` CAP_SYS_ADMIN')
      : []),
  ]
}

/** The form of their names is that of the field. */
const validateSysctls = (names: readonly string[], field: string): FieldError[] => [
  ...names.flatMap((name, at) => (name ? [] : [required(`${field}[${at}].name`)])),
  ...repeatedAt(names.map((name) => name || undefined)).map((at) => duplicate(`${field}[${at}].name`, names[at])),
]

export const validatePodSecurity = (
  { securityContext = {}, hostPID, shareProcessNamespace }: PodSpec,
  path: string,
): FieldError[] => {
  const field = `${path}.securityContext`
  const { runAsUser, runAsGroup, fsGroup, supplementalGroups = [], sysctls = [], seccompProfile } = securityContext
  return [
    ...validateId(fsGroup, `${field}.fsGroup`),
    ...validateId(runAsUser, `${field}.runAsUser`),
    ...validateId(runAsGroup, `${field}.runAsGroup`),
    ...supplementalGroups.flatMap((group, at) => validateId(group, `${field}.supplementalGroups[${at}]`)),
    ...(shareProcessNamespace && hostPID
      ? [
          invalidValue(
            `${field}.shareProcessNamespace`,
            shareProcessNamespace,
            'ShareProcessNamespace and HostPID cannot both be enabled',
          ),
        ]
      : []),
    ...validateSysctls(
      sysctls.map(({ name }) => name),
      `${field}.sysctls`,
    ),
    ...validateSeccomp(seccompProfile, `${field}.seccompProfile`),
  ]
}
