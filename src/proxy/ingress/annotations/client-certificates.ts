/** Certificates that clients must show. */
import type { ClientCertificates } from '../policy/policy.ts'
import { pattern } from './pattern.ts'
import { certificateProblem } from './pem.ts'
import { defined, type Part, type Reading, type Rows, type Values } from './row.ts'
import { fieldText, reference } from './text.ts'
import { flag, whole, word, wrong } from './value.ts'

/** nginx looks for `CN=…` in the subject: the rest is a pattern for how the name begins. */
const commonName = (text: string): string =>
  text.startsWith('CN=') ? pattern(text.slice(3)) : wrong('expected "CN=" and a pattern')

const errorPage = (text: string): string =>
  /^(https?:\/\/|\/(?!\/))\S+$/.test(fieldText(text)) ? text : wrong('expected a URL, or a path')

export const clientCertificateRows = {
  'auth-tls-secret': { read: reference, guards: true },
  'auth-tls-verify-client': { read: word('on', 'off', 'optional', 'optional_no_ca'), guards: true },
  'auth-tls-verify-depth': { read: whole(0, 100) },
  'auth-tls-error-page': { read: errorPage },
  'auth-tls-pass-certificate-to-upstream': { read: flag },
  'auth-tls-match-cn': { read: commonName, guards: true },
} satisfies Rows

type CertificateValues = Values<typeof clientCertificateRows>

const modes: Readonly<Record<'on' | 'optional' | 'optional_no_ca', ClientCertificates['verify']>> = {
  on: 'required',
  optional: 'optional',
  optional_no_ca: 'optional-any',
}

const authority = (values: CertificateValues, { isBroken, block, secret }: Reading): string | undefined => {
  const key = 'auth-tls-secret'
  const name = values[key]
  if (name === undefined) {
    for (const needs of ['auth-tls-verify-client', 'auth-tls-match-cn'] as const)
      if (values[needs] !== undefined && !isBroken(key)) block(needs, `there is no ${key} beside it`)
    return undefined
  }
  const data = secret(key, name)
  if (data === undefined) return undefined
  const ca = data['ca.crt']
  const problem = ca === undefined ? 'is missing' : certificateProblem(ca)
  if (problem !== undefined) block(key, `ca.crt of the Secret ${problem}`)
  return problem === undefined ? ca : undefined
}

export const clientCertificates = (values: CertificateValues, reading: Reading): Part => {
  const mode = values['auth-tls-verify-client'] ?? 'on'
  if (mode === 'off') return {}
  const ca = authority(values, reading)
  if (ca === undefined) return {}
  return {
    clientCertificates: {
      ca,
      verify: modes[mode],
      depth: values['auth-tls-verify-depth'] ?? 1,
      pass: values['auth-tls-pass-certificate-to-upstream'] ?? false,
      ...defined({ errorPage: values['auth-tls-error-page'], commonName: values['auth-tls-match-cn'] }),
    },
  }
}
