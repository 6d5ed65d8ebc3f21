import { duplicate, type FieldError, invalidValue } from '../../../api/errors.ts'
import type { RuntimeClass } from '../../../api/types/kubernetes/node-v1.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { validateResources } from '../core/resource-names.ts'
import { validateToleration } from '../core/scheduling-validation.ts'
import { define } from '../definition.ts'
import { immutable } from '../metadata.ts'
import { checkLabel, subdomainName } from '../names.ts'
import { repeatedAt } from '../repeated.ts'

const validateHandler = (handler: string): FieldError[] => {
  const message = handler === '' ? checkLabel('') : undefined
  return message === undefined ? [] : [invalidValue('handler', handler, message)]
}

/** The paths are those of Kubernetes, which checks these as the limits of a container and the tolerations of a pod. */
const validate = ({ handler = '', overhead, scheduling }: RuntimeClass): FieldError[] => {
  const tolerations = scheduling?.tolerations ?? []
  const keys = tolerations.map(({ key, operator, value, effect }) => JSON.stringify([key, operator, value, effect]))
  return [
    ...validateHandler(handler),
    ...(overhead?.podFixed ? validateResources({ limits: overhead.podFixed }, 'overhead') : []),
    ...tolerations.flatMap((toleration, at) =>
      validateToleration(toleration, `scheduling.tolerations.tolerations[${at}]`),
    ),
    ...repeatedAt(keys).map((at) => duplicate(`scheduling.tolerations[${at}]`, tolerations[at])),
  ]
}

export const runtimeClass = define<RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  otherVersions: [{ version: 'v1beta1' }],
  plural: 'runtimeclasses',
  singular: 'runtimeclass',
  kind: 'RuntimeClass',
  namespaced: false,
  nameRule: subdomainName,
  updateNeedsVersion: true,
  columns: [nameColumn, column('Handler', ({ handler }) => handler, 'What the container runtime calls it'), ageColumn],
  validate,
  validateUpdate: (now, old) => immutable('handler', now.handler, old.handler),
})
