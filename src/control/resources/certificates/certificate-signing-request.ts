import { duplicate, type FieldError, invalidValue, notSupported, required } from '../../../api/errors.ts'
import { checkSubdomain } from '../../../api/names.ts'
import type { CertificateSigningRequest } from '../../../api/types/index.ts'
import { ageColumn, column, humanDuration, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { pathSegmentName } from '../names.ts'
import { repeatedAt } from '../repeated.ts'
import { csrV1beta1, legacySigner } from './csr-v1beta1.ts'
import { isSigningRequest } from './signing-request.ts'

/** certificates.k8s.io/v1 KeyUsage. */
const usages: readonly string[] = [
  ...['signing', 'digital signature', 'content commitment', 'key encipherment', 'key agreement', 'data encipherment'],
  ...['cert sign', 'crl sign', 'encipher only', 'decipher only', 'any', 'server auth', 'client auth', 'code signing'],
  ...['email protection', 's/mime', 'ipsec end system', 'ipsec tunnel', 'ipsec user', 'timestamping', 'ocsp signing'],
  ...['microsoft sgc', 'netscape sgc'],
]

const leastSeconds = 600
const requestLimit = 16_384

const block = /^\s*-----BEGIN CERTIFICATE REQUEST-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END CERTIFICATE REQUEST-----\s*$/

const validateRequest = (request: string): FieldError[] => {
  const pem = Buffer.from(request, 'base64').toString('latin1')
  const wrong = (why: string) => [invalidValue('spec.request', '…', why)]
  if (pem.length > requestLimit) return wrong(`may not be more than ${requestLimit} bytes`)
  const [, body] = block.exec(pem) ?? []
  if (body === undefined) return wrong('PEM block type must be CERTIFICATE REQUEST')
  return isSigningRequest(Buffer.from(body, 'base64')) ? [] : wrong('asn1: structure error: malformed request')
}

const validateSignerName = (signerName: string): FieldError[] => {
  const [domain = '', path = '', ...more] = signerName.split('/')
  const isGood = domain.includes('.') && checkSubdomain(domain) === undefined && checkSubdomain(path) === undefined
  if (signerName === '') return [required('spec.signerName')]
  return isGood && more.length === 0
    ? []
    : [invalidValue('spec.signerName', signerName, 'must be a domain and a path, such as example.com/signer')]
}

const validateConditions = (conditions: NonNullable<CertificateSigningRequest['status']>['conditions'] = []) => {
  const types = new Set(conditions.map(({ type }) => type))
  return [
    ...(types.has('Approved') && types.has('Denied')
      ? [invalidValue('status.conditions', 'Denied', 'Approved and Denied conditions are mutually exclusive')]
      : []),
    ...conditions.flatMap(({ type, status }, at) => [
      ...(type ? [] : [required(`status.conditions[${at}].type`)]),
      ...(status ? [] : [required(`status.conditions[${at}].status`)]),
    ]),
    ...conditions
      .filter(({ type, status }) => ['Approved', 'Denied', 'Failed'].includes(type) && status !== 'True')
      .map(({ type, status }) => notSupported(`status.conditions[${type}].status`, status, ['True'])),
  ]
}

/** Conditions say when they were written, and when they came to be so. */
const datedConditions = (now: CertificateSigningRequest, old: CertificateSigningRequest, time: string) => {
  const { conditions } = now.status ?? {}
  if (!conditions) return {}
  return {
    conditions: conditions.map((each) => {
      const before = old.status?.conditions?.find(({ type }) => type === each.type)
      const since = before?.status === each.status ? before.lastTransitionTime : undefined
      return { lastUpdateTime: time, lastTransitionTime: since ?? time, ...each }
    }),
  }
}

const stateOf = ({ status }: CertificateSigningRequest): string => {
  const types = (status?.conditions ?? []).map(({ type }) => type)
  const decided = ['Approved', 'Denied'].find((type) => types.includes(type))
  const more = [types.includes('Failed') ? 'Failed' : [], status?.certificate ? 'Issued' : []].flat()
  return [decided ?? (more.length > 0 ? [] : 'Pending'), more].flat().join(',')
}

export const certificateSigningRequest = define<CertificateSigningRequest>({
  group: 'certificates.k8s.io',
  version: 'v1',
  plural: 'certificatesigningrequests',
  singular: 'certificatesigningrequest',
  kind: 'CertificateSigningRequest',
  namespaced: false,
  shortNames: ['csr'],
  nameRule: pathSegmentName,
  status: 'separate',
  subresources: [{ name: 'approval', kind: 'CertificateSigningRequest', verbs: ['get', 'patch', 'update'] }],
  fields: { 'spec.signerName': ({ spec }) => spec.signerName },
  columns: [
    nameColumn,
    ageColumn,
    column('SignerName', ({ spec }) => spec.signerName, 'Who is to sign it'),
    column('Requestor', ({ spec }) => spec.username ?? '', 'Who asks'),
    column(
      'RequestedDuration',
      ({ spec }) => (spec.expirationSeconds ? humanDuration(spec.expirationSeconds * 1000) : '<none>'),
      'How long it is wanted',
    ),
    column('Condition', stateOf, 'What has become of it'),
  ],
  onCreate: (request) => ({ ...request, status: {} }),
  validate: ({ spec, status }) => [
    ...validateRequest(spec?.request ?? ''),
    ...validateSignerName(spec?.signerName ?? ''),
    ...((spec?.usages ?? []).length === 0 ? [required('spec.usages', 'usages must be provided')] : []),
    ...(spec?.usages ?? []).flatMap((usage, at) =>
      usages.includes(usage) ? [] : [notSupported(`spec.usages[${at}]`, usage, [...usages].sort())],
    ),
    ...(spec?.expirationSeconds !== undefined && spec.expirationSeconds < leastSeconds
      ? [
          invalidValue(
            'spec.expirationSeconds',
            spec.expirationSeconds,
            `may not specify a duration less than ${leastSeconds} seconds`,
          ),
        ]
      : []),
    ...validateConditions(status?.conditions),
  ],
  validateCreate: ({ spec: { signerName, usages: wanted = [] } }) => [
    ...(signerName === legacySigner
      ? [invalidValue('spec.signerName', signerName, 'the legacy signerName is not allowed via this API version')]
      : []),
    ...repeatedAt(wanted).map((at) => duplicate(`spec.usages[${at}]`, wanted[at])),
  ],
  otherVersions: [{ version: 'v1beta1', convert: csrV1beta1, validateCreate: () => [] }],
  statusDefaults: (now, old, time) => ({ ...now, status: { ...now.status, ...datedConditions(now, old, time) } }),
  // What is asked for stays as it was, whatever a write says.
  adopt: (now, old) => ({ ...now, spec: old.spec }),
})
