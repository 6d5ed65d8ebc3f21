/** What is found in Ingresses, and what it is found with. */
import type { Ingress } from '../../../api/types/index.ts'
import type { IngressSettings, Lookup } from '../annotations/settings.ts'

export interface Finding {
  readonly ingress: Ingress
  /** An error: something is not served as it is written. A warning: perhaps not as it is meant. */
  readonly severity: 'error' | 'warning'
  /** The annotation, or the field: `spec.rules[0].host`. */
  readonly at: string
  /** What is written there. */
  readonly value?: string
  readonly message: string
}

export interface LintWorld {
  readonly lookup: Lookup
  /** Whether what is not found does not exist; otherwise it is somewhere else, and cannot be judged. */
  readonly isComplete: boolean
}

/** An Ingress with what its annotations came to. */
export interface Subject {
  readonly ingress: Ingress
  /** `namespace/name`. */
  readonly key: string
  readonly settings: IngressSettings
}

/** A path with where it stands. */
export interface Place {
  readonly subject: Subject
  /** Small letters; empty for every host. */
  readonly host: string
  readonly path: string
  readonly kind: 'exact' | 'prefix' | 'regex'
  readonly pathType: string
  /** `spec.rules[0].http.paths[1]`. */
  readonly at: string
}

export const finding = (
  { ingress }: Subject,
  severity: Finding['severity'],
  at: string,
  message: string,
  value?: string,
): Finding => ({ ingress, severity, at, message, ...(value === undefined ? {} : { value }) })

/** Every path of the rules, in the order in which they are written. */
export const placesOf = (subject: Subject): readonly Place[] =>
  (subject.ingress.spec?.rules ?? []).flatMap(({ host = '', http }, rule) =>
    (http?.paths ?? []).map(({ path, pathType }, at) => ({
      ...{ subject, host: host.toLowerCase(), path: path || '/', pathType },
      kind: pathType === 'Exact' ? 'exact' : subject.settings.regex ? 'regex' : 'prefix',
      at: `spec.rules[${rule}].http.paths[${at}]`,
    })),
  )
