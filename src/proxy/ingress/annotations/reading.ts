/** Keeps account of what is found while one Ingress is read. */
import type { RoutePolicy } from '../policy/policy.ts'
import type { ObjectData, Reading } from './row.ts'
import type { AnnotationProblem, IngressSettings, Lookup } from './settings.ts'
import type { Reference } from './text.ts'
import type { Written } from './written.ts'

export interface OpenReading extends Reading {
  /** From now on the key is broken. */
  breaks(key: string): void
  blocked(): RoutePolicy['blocked']
  looked(): Pick<IngressSettings, 'secrets' | 'configMaps' | 'problems'>
}

export interface ReadingOptions {
  readonly namespace: string
  readonly lookup: Lookup
  readonly defaults: RoutePolicy
  readonly written: readonly Written[]
}

export const createReading = ({ namespace, lookup, defaults, written }: ReadingOptions): OpenReading => {
  const byKey = new Map(written.map((each) => [each.key, each]))
  const broken = new Set<string>()
  const secrets = new Set<string>()
  const configMaps = new Set<string>()
  const problems: AnnotationProblem[] = []
  let why: string | undefined

  const add = (severity: 'error' | 'warning', key: string, reason: string, missing?: string): void => {
    const { fullKey = key, value = '' } = byKey.get(key) ?? {}
    problems.push({ key: fullKey, value, reason, severity, ...(missing === undefined ? {} : { missing }) })
  }

  const close = (key: string, reason: string, missing?: string): undefined => {
    broken.add(key)
    add('error', key, reason, missing)
    why ??= `${byKey.get(key)?.fullKey ?? key}: ${reason}`
    return undefined
  }

  /** Whoever may write Ingresses of one namespace may not read another one with them. */
  const elsewhere = (of: Reference): string | undefined =>
    of.namespace === undefined || of.namespace === namespace
      ? undefined
      : `objects of another namespace (${of.namespace}) are not read`

  const secret = (key: string, of: Reference): ObjectData | undefined => {
    const foreign = elsewhere(of)
    if (foreign !== undefined) return close(key, foreign)
    const name = `${namespace}/${of.name}`
    secrets.add(name)
    return lookup.secret(name) ?? close(key, `Secret ${name} does not exist`, `Secret ${name}`)
  }

  const configMap = (key: string, of: Reference): ObjectData | undefined => {
    const foreign = elsewhere(of)
    if (foreign !== undefined) return void add('error', key, foreign)
    const name = `${namespace}/${of.name}`
    configMaps.add(name)
    const data = lookup.configMap(name)
    if (data === undefined) add('error', key, `ConfigMap ${name} does not exist`, `ConfigMap ${name}`)
    return data
  }

  return {
    defaults,
    isBroken: (key) => broken.has(key),
    breaks: (key) => void broken.add(key),
    tell: (severity, key, reason) => add(severity, key, reason),
    block: (key, reason) => void close(key, reason),
    secret,
    configMap,
    blocked: () => (why === undefined ? undefined : { status: 503, why }),
    looked: () => ({ secrets: [...secrets].sort(), configMaps: [...configMaps].sort(), problems }),
  }
}
