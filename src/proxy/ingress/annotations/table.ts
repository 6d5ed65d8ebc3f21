/** Every annotation that is known, and what reads them together. */
import { access, accessRows } from './access.ts'
import { answerRows, answers } from './answers.ts'
import { auth, authRows } from './auth.ts'
import { backendTls, backendTlsRows } from './backend-tls.ts'
import { balancing, balancingRows } from './balancing.ts'
import { canary, canaryRows } from './canary.ts'
import { clientCertificateRows, clientCertificates } from './client-certificates.ts'
import { cors, corsRows } from './cors.ts'
import { externalAuth, externalAuthRows } from './external-auth.ts'
import { headerRows, headers } from './headers.ts'
import { idleRows } from './idle.ts'
import { limitRows, limits } from './limits.ts'
import { mirror, mirrorRows } from './mirror.ts'
import { pathRows, paths } from './paths.ts'
import { redirectRows, redirects } from './redirects.ts'
import { refusedRows } from './refused.ts'
import type { Part, Reading, Row, Rows, Values } from './row.ts'
import { timeoutRows, timeouts } from './timeouts.ts'

export const annotationTable = {
  ...timeoutRows,
  ...redirectRows,
  ...pathRows,
  ...corsRows,
  ...accessRows,
  ...limitRows,
  ...authRows,
  ...externalAuthRows,
  ...clientCertificateRows,
  ...backendTlsRows,
  ...balancingRows,
  ...canaryRows,
  ...headerRows,
  ...mirrorRows,
  ...answerRows,
  ...idleRows,
  ...refusedRows,
} satisfies Rows

export type AnnotationValues = Values<typeof annotationTable>

/** No two of them write the same field. */
export const parts: readonly ((values: AnnotationValues, reading: Reading) => Part)[] = [
  ...[timeouts, redirects, paths, cors, access, limits],
  ...[auth, externalAuth, clientCertificates, backendTls],
  ...[balancing, canary, headers, mirror, answers],
]

export const rowOf = (key: string): Row<unknown> | undefined =>
  Object.hasOwn(annotationTable, key) ? (annotationTable as Rows)[key] : undefined
