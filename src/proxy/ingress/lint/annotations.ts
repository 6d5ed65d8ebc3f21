/** Problems of annotations. */
import { type Finding, finding, type LintWorld, type Subject } from './finding.ts'

export const lintAnnotations = (subject: Subject, { isComplete }: LintWorld): readonly Finding[] =>
  subject.settings.problems.map(({ key, value, reason, severity, missing }) =>
    missing !== undefined && !isComplete
      ? finding(subject, 'warning', key, `${missing} cannot be looked at here`, value)
      : finding(subject, severity, key, reason, value),
  )
