/** What is spoken with backends, and how TLS to them is made. */
import type { BackendProtocol } from '../policy/policy.ts'
import { certificateProblem, keyPairProblem } from './pem.ts'
import { defined, idle, type ObjectData, type Part, type Reading, type Rows, unserved, type Values } from './row.ts'
import { hostName, reference } from './text.ts'
import { onOff, whole, word, wrong } from './value.ts'

const protocols: Readonly<Record<string, BackendProtocol>> = { HTTP: 'http', HTTPS: 'https', GRPC: 'h2c', GRPCS: 'h2' }

const refused: Readonly<Record<string, string>> = {
  AUTO_HTTP: 'AUTO_HTTP is not served: say HTTP or HTTPS, guessing would send some requests in the clear',
  FCGI: 'FCGI is not served: put a server in front that speaks HTTP',
  AJP: 'AJP is not served: use the HTTP connector of the backend',
}

const protocol = (text: string): BackendProtocol => {
  const name = text.toUpperCase()
  if (Object.hasOwn(refused, name)) return wrong(refused[name] ?? '')
  const found = Object.hasOwn(protocols, name) ? protocols[name] : undefined
  return found ?? wrong(`expected ${Object.keys(protocols).join(', ')}`)
}

const version = (text: string): string => word('1.0', '1.1')(text)

const fastCgi = unserved('FCGI is not served: put a server in front that speaks HTTP')

export const backendTlsRows = {
  'backend-protocol': { read: protocol, guards: true },
  'secure-backends': unserved('is no more: write backend-protocol: HTTPS'),
  'fastcgi-index': fastCgi,
  'fastcgi-params-configmap': fastCgi,
  'proxy-http-version': { read: version },
  'proxy-ssl-secret': { read: reference, guards: true },
  'proxy-ssl-verify': { read: onOff, guards: true },
  'proxy-ssl-name': { read: hostName, guards: true },
  'proxy-ssl-server-name': { read: onOff },
  'proxy-ssl-verify-depth': { read: whole(0, 100) },
  'proxy-ssl-protocols': idle('TLS 1.2 and 1.3 are spoken with backends'),
  'proxy-ssl-ciphers': idle('the ciphers of Node are used'),
} satisfies Rows

type TlsValues = Values<typeof backendTlsRows>

const secretProblem = (data: ObjectData): string | undefined => {
  const { 'ca.crt': ca, 'tls.crt': certificate, 'tls.key': key } = data
  const broken = ca === undefined ? undefined : certificateProblem(ca)
  if (broken !== undefined) return `ca.crt of the Secret ${broken}`
  if (certificate === undefined && key === undefined) return ca === undefined ? 'the Secret holds no PEM' : undefined
  return keyPairProblem(certificate, key)
}

const material = (values: TlsValues, { secret, block }: Reading) => {
  const name = values['proxy-ssl-secret']
  const data = name && secret('proxy-ssl-secret', name)
  if (data === undefined) return {}
  const problem = secretProblem(data)
  if (problem !== undefined) block('proxy-ssl-secret', problem)
  return problem === undefined ? { ca: data['ca.crt'], certificate: data['tls.crt'], key: data['tls.key'] } : {}
}

export const backendTls = (values: TlsValues, reading: Reading): Part => {
  const { 'proxy-ssl-verify': verify, 'proxy-ssl-name': name, 'proxy-ssl-server-name': sni } = values
  if (values['proxy-http-version'] === '1.0') reading.tell('warning', 'proxy-http-version', 'HTTP/1.1 is spoken')
  if (values['proxy-ssl-verify-depth'] !== undefined)
    reading.tell('warning', 'proxy-ssl-verify-depth', 'has no effect here: chains of any length are followed')
  const pem = defined(material(values, reading))
  const isAsked = Object.keys(pem).length > 0 || [verify, name, sni].some((value) => value !== undefined)
  const tls = { verify: verify ?? false, sni: sni ?? false, ...pem, ...defined({ name }) }
  return { policy: defined({ protocol: values['backend-protocol'], backendTls: isAsked ? tls : undefined }) }
}
