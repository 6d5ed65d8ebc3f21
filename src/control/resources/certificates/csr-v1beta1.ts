/** CertificateSigningRequest as certificates.k8s.io/v1beta1 takes it: without usages, a signer or states of conditions. */
import type { CertificateSigningRequest } from '../../../api/types/index.ts'
import { conversion } from '../conversion.ts'
import type { Conversion } from '../definition.ts'

/** Signs nothing by itself: nobody is given a certificate for having left the signer out. */
export const legacySigner = 'kubernetes.io/legacy-unknown'

const withDefaults = (request: CertificateSigningRequest): CertificateSigningRequest => {
  const { spec, status } = request
  return {
    ...request,
    spec: {
      ...spec,
      usages: spec.usages ?? ['digital signature', 'key encipherment'],
      signerName: spec.signerName ?? legacySigner,
    },
    ...(status?.conditions
      ? {
          status: {
            ...status,
            conditions: status.conditions.map((condition) => ({ ...condition, status: condition.status || 'True' })),
          },
        }
      : {}),
  }
}

export const csrV1beta1: Conversion = conversion<CertificateSigningRequest, CertificateSigningRequest>({
  toStored: withDefaults,
  fromStored: (request) => request,
})
