/** Looks through Ingresses for what is not served as it is written. Pure: for files as well as for a cluster. */
import type { Ingress } from '../../../api/types/index.ts'
import { readAnnotations } from '../annotations/read.ts'
import { lintAnnotations } from './annotations.ts'
import { lintBackends } from './backends.ts'
import type { Finding, LintWorld, Subject } from './finding.ts'
import { lintHosts } from './hosts.ts'
import { lintPaths } from './paths.ts'
import { lintTls } from './tls.ts'
import { lintTogether } from './together.ts'

const checks: readonly ((subject: Subject, world: LintWorld) => readonly Finding[])[] = [
  ...[lintAnnotations, lintHosts, lintPaths, lintBackends, lintTls],
]

const subjectOf = (ingress: Ingress, { lookup }: LintWorld): Subject => {
  const { namespace = '', name, annotations = {} } = ingress.metadata
  return { ingress, key: `${namespace}/${name}`, settings: readAnnotations({ namespace, annotations }, lookup) }
}

/** All findings, in the order of the Ingresses; those of one in the order of the checks. */
export const lintIngresses = (ingresses: readonly Ingress[], world: LintWorld): readonly Finding[] => {
  const subjects = ingresses.map((ingress) => subjectOf(ingress, world))
  const together = lintTogether(subjects, world)
  return subjects.flatMap((subject) => [
    ...checks.flatMap((check) => check(subject, world)),
    ...together.filter(({ ingress }) => ingress === subject.ingress),
  ])
}
