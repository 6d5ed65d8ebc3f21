/** Containers that are added to a pod that runs, to look into it: what they may be, in Kubernetes' words. */
import { deepEqual } from '../../../api/deep-equal.ts'
import { duplicate, type FieldError, forbiddenField, notFoundValue } from '../../../api/errors.ts'
import { isMirrorPod } from '../../../api/pods.ts'
import type { EphemeralContainer, Pod, PodSpec } from '../../../api/types/index.ts'
import type { OwnPart } from '../definition.ts'
import { repeatedAt } from '../repeated.ts'
import { type Mountable, validateContainer } from './container-validation.ts'

/** A pod's own services do not hang on them. */
const notTheirs = [
  ...['ports', 'resources', 'resizePolicy', 'restartPolicy', 'restartPolicyRules'],
  ...['livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle'],
]
const notAllowed = 'cannot be set for an Ephemeral Container'

/** As Go sees it: lists and structs without anything in them are not set. */
const isSet = (value: unknown, field: string): boolean => {
  if (value === undefined || value === null) return false
  return Array.isArray(value) || field === 'resources' ? Object.keys(value).length > 0 : true
}

const forbiddenFields = (container: EphemeralContainer, field: string): FieldError[] => {
  const given: Readonly<Record<string, unknown>> = { ...container }
  const parts = (container.volumeMounts ?? []).flatMap((mount, at) =>
    (['subPath', 'subPathExpr'] as const).filter((name) => mount[name]).map((name) => `volumeMounts[${at}].${name}`),
  )
  return [...notTheirs.filter((name) => isSet(given[name], name)), ...parts].map((name) =>
    forbiddenField(`${field}.${name}`, notAllowed),
  )
}

/** They are looked for among the pod's own ones. */
const validateTarget = ({ targetContainerName: target }: EphemeralContainer, own: readonly string[], field: string) =>
  !target || own.includes(target) ? [] : [notFoundValue(`${field}.targetContainerName`, target)]

export const validateEphemeralContainers = (spec: PodSpec, path: string, mountable: Mountable): FieldError[] => {
  const { containers = [], initContainers = [], ephemeralContainers: all = [] } = spec
  const own = [...containers, ...initContainers].map(({ name = '' }) => name)
  return [
    ...all.flatMap((container, at) => [
      ...validateContainer(container, `${path}[${at}]`, mountable),
      ...validateTarget(container, own, `${path}[${at}]`),
      ...forbiddenFields(container, `${path}[${at}]`),
    ]),
    ...repeatedAt([...new Set(own), ...all.map(({ name = '' }) => name)])
      .map((at) => at - new Set(own).size)
      .map((at) => duplicate(`${path}[${at}].name`, all[at]?.name ?? '')),
  ]
}

const path = 'spec.ephemeralContainers'

/** They are only ever added: what was there stays as it was. */
const validateAdditions = ({ spec }: Pod, old: Pod): FieldError[] => {
  if (isMirrorPod(old)) return [forbiddenField('', 'static pods do not support ephemeral containers')]
  const now = new Map((spec.ephemeralContainers ?? []).map((container) => [container.name, container]))
  return (old.spec.ephemeralContainers ?? []).flatMap((before) => {
    const after = now.get(before.name)
    const what = `existing ephemeral containers ${JSON.stringify(before.name)} may not be`
    if (!after) return [forbiddenField(path, `${what} removed\n`)]
    return deepEqual(after, before) ? [] : [forbiddenField(path, `${what} changed\n`)]
  })
}

/** What `pods/NAME/ephemeralcontainers` writes. */
export const ephemeralContainersPart: OwnPart<Pod> = {
  take: (given, old) => {
    const { ephemeralContainers: _, ...spec } = old.spec
    const { ephemeralContainers = [] } = given.spec ?? {}
    return { ...old, spec: ephemeralContainers.length > 0 ? { ...spec, ephemeralContainers } : spec }
  },
  validate: validateAdditions,
}
