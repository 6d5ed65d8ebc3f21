/** Backends that nothing can be sent to. */
import type { IngressBackend } from '../../../api/types/index.ts'
import { type Finding, finding, type Subject } from './finding.ts'

const problemOf = ({ service, resource }: IngressBackend): string | undefined => {
  if (resource) return `a backend of kind ${resource.kind} is not served, only Services are: it is answered with 503`
  if (!service) return 'names no Service: it is answered with 503'
  const isPort = service.port?.number !== undefined || service.port?.name !== undefined
  return isPort ? undefined : 'names no port of its Service: it is answered with 503'
}

const lintBackend = (subject: Subject, at: string, backend: IngressBackend): readonly Finding[] => {
  const problem = problemOf(backend)
  return problem === undefined ? [] : [finding(subject, 'error', at, problem)]
}

export const lintBackends = (subject: Subject): readonly Finding[] => {
  const { defaultBackend, rules = [] } = subject.ingress.spec ?? {}
  if (!defaultBackend && rules.every(({ http }) => !http?.paths.length))
    return [finding(subject, 'error', 'spec', 'has neither a path nor a defaultBackend: it serves nothing')]
  return [
    ...(defaultBackend ? lintBackend(subject, 'spec.defaultBackend', defaultBackend) : []),
    ...rules.flatMap(({ http }, rule) =>
      (http?.paths ?? []).flatMap(({ backend }, at) =>
        lintBackend(subject, `spec.rules[${rule}].http.paths[${at}].backend`, backend),
      ),
    ),
  ]
}
