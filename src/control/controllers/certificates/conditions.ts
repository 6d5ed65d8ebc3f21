/** Conditions of certificate signing requests. Pure. */
import { formatTime } from '../../../api/clock.ts'
import { withCondition } from '../../../api/conditions.ts'
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../../api/types/index.ts'

export const hasCondition = ({ status }: CertificateSigningRequest, type: string): boolean =>
  (status?.conditions ?? []).some((condition) => condition.type === type)

/** What is decided of a request. */
export const decided = (
  { status }: CertificateSigningRequest,
  decision: Pick<CertificateSigningRequestCondition, 'type' | 'reason' | 'message'>,
  now: number,
): readonly CertificateSigningRequestCondition[] =>
  withCondition(status?.conditions, { ...decision, status: 'True', lastUpdateTime: formatTime(now) }, now)
