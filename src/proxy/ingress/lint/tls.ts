/** Certificates that serve nobody, or cannot be served. */
import { X509Certificate } from 'node:crypto'
import { keyPairProblem } from '../annotations/pem.ts'
import { type Finding, finding, type LintWorld, type Subject } from './finding.ts'

const hostsOf = ({ ingress, settings }: Subject): readonly string[] => {
  const named = (ingress.spec?.rules ?? []).flatMap(({ host }) => (host ? [host.toLowerCase()] : []))
  const others = named.map((host) => (host.startsWith('www.') ? host.slice(4) : `www.${host}`))
  return [...named, ...settings.aliases, ...(settings.wwwRedirect ? others : [])]
}

/** A wildcard of either side is enough: the certificate is chosen by what the client names. */
const isNamed = (host: string, hosts: readonly string[]): boolean => {
  const suffix = (name: string): string => name.slice(name.indexOf('.'))
  return hosts.some(
    (each) =>
      each === host ||
      (each.startsWith('*.') && suffix(host) === suffix(each)) ||
      (host.startsWith('*.') && suffix(each) === suffix(host)),
  )
}

/** Clients have long stopped to look at common names (RFC 9110 section 4.3.4). */
const altNamesOnly = { subject: 'never' } as const

const lintSecret = (subject: Subject, at: string, name: string, hosts: readonly string[], world: LintWorld) => {
  const key = `${subject.ingress.metadata.namespace ?? ''}/${name}`
  const data = world.lookup.secret(key)
  const tell = (severity: 'error' | 'warning', message: string) =>
    finding(subject, severity, `${at}.secretName`, message, name)
  if (!data && !world.isComplete) return [tell('warning', `Secret ${key} cannot be looked at here`)]
  if (!data) return [tell('error', `Secret ${key} does not exist`)]
  const problem = keyPairProblem(data['tls.crt'], data['tls.key'])
  if (problem !== undefined) return [tell('error', problem)]
  const certificate = new X509Certificate(data['tls.crt'] ?? '')
  const foreign = hosts.filter((host) => certificate.checkHost(host.replace('*', 'any'), altNamesOnly) === undefined)
  return foreign.length === 0 ? [] : [tell('warning', `the certificate is not for ${foreign.join(', ')}`)]
}

export const lintTls = (subject: Subject, world: LintWorld): readonly Finding[] => {
  const named = hostsOf(subject)
  const isForAll = (subject.ingress.spec?.rules ?? []).some(({ host }) => !host)
  return (subject.ingress.spec?.tls ?? []).flatMap(({ hosts = [], secretName }, entry) => {
    const at = `spec.tls[${entry}]`
    const strangers = hosts.filter((host) => !isForAll && !isNamed(host.toLowerCase(), named))
    return [
      ...strangers.map((host) => finding(subject, 'warning', `${at}.hosts`, 'is the host of no rule', host)),
      ...(secretName ? lintSecret(subject, at, secretName, hosts, world) : []),
    ]
  })
}
