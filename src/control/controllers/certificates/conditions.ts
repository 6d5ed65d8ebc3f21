/** Conditions of certificate signing requests. Pure. */
import { formatTime } from '../../../api/clock.ts'
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../../api/types/index.ts'

export const hasCondition = ({ status }: CertificateSigningRequest, type: string): boolean =>
  (status?.conditions ?? []).some((condition) => condition.type === type)

export const withCondition = (
  { status }: CertificateSigningRequest,
  condition: Pick<CertificateSigningRequestCondition, 'type' | 'reason' | 'message'>,
  now: number,
): readonly CertificateSigningRequestCondition[] => {
  const time = formatTime(now)
  return [
    ...(status?.conditions ?? []),
    { ...condition, status: 'True', lastUpdateTime: time, lastTransitionTime: time },
  ]
}
