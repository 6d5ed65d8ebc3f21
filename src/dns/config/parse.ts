/** Reads the file in which an operator configures DNS. Errors name the line. */

import { LineCounter, parseDocument } from 'yaml'
import { parseAddress } from '../../ip/address.ts'
import { rcodes } from '../wire/constants.ts'
import { encodeName } from '../wire/name.ts'
import {
  type CacheConfig,
  type DnsConfig,
  defaultCache,
  defaultDnsConfig,
  defaultForward,
  defaultSky,
  type ForwardConfig,
  type RewriteRule,
} from './config.ts'
import type { Upstream } from './upstream.ts'

/** The file is wrong: where, and why. */
export class DnsConfigError extends Error {
  override readonly name = 'DnsConfigError'
}

type Path = readonly (string | number)[]

/** Thrown inside, where only the path is known. */
class Misfit extends Error {
  readonly path: Path
  constructor(path: Path, message: string) {
    super(message)
    this.path = path
  }
}

const misfit = (path: Path, message: string): never => {
  throw new Misfit(path, message)
}

type Reader<T> = (value: unknown, path: Path) => T

/** A mapping with these keys and no others; `missing` stands for what is not there. */
const mapping =
  <T extends object>(readers: { readonly [K in keyof T]: Reader<T[K]> }, missing: T): Reader<T> =>
  (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return misfit(path, 'expected a mapping')
    for (const key of Object.keys(value))
      if (!Object.hasOwn(readers, key))
        misfit([...path, key], `there is no setting "${key}" here; there are ${Object.keys(readers).join(', ')}`)
    const found = Object.entries(value).map(([key, each]) => [key, readers[key as keyof T](each, [...path, key])])
    return { ...missing, ...(Object.fromEntries(found) as Partial<T>) }
  }

const list =
  <T>(reader: Reader<T>): Reader<readonly T[]> =>
  (value, path) =>
    Array.isArray(value) ? value.map((each, at) => reader(each, [...path, at])) : misfit(path, 'expected a list')

const flag: Reader<boolean> = (value, path) =>
  typeof value === 'boolean' ? value : misfit(path, 'expected true or false')

const whole =
  (least: number, most: number): Reader<number> =>
  (value, path) =>
    typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
      ? value
      : misfit(path, `expected a whole number from ${least} to ${most}`)

const oneOf =
  <T extends string>(...allowed: readonly T[]): Reader<T> =>
  (value, path) =>
    allowed.find((each) => each === value) ?? misfit(path, `expected ${allowed.join(' or ')}`)

/** From seconds. */
const milliseconds: Reader<number> = (value, path) =>
  typeof value === 'number' && value > 0 && value <= 60 ? value * 1000 : misfit(path, 'expected seconds, 60 at most')

const domain: Reader<string> = (value, path) => {
  if (typeof value !== 'string' || value === '') return misfit(path, 'expected a name')
  const name = value.replace(/\.$/, '').toLowerCase()
  try {
    encodeName(name)
  } catch (error) {
    return misfit(path, error instanceof Error ? error.message : String(error))
  }
  return name
}

const address: Reader<string> = (value, path) =>
  typeof value === 'string' && parseAddress(value) ? value : misfit(path, 'expected an IP address')

/** `192.0.2.1`, `192.0.2.1:5353`, `[2001:db8::1]:5353` */
export const parseUpstream = (text: string): Upstream | undefined => {
  const found = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text) ?? /^([\d.]+)(?::(\d{1,5}))?$/.exec(text)
  const [host, port] = found ? [found[1] ?? '', Number(found[2] ?? 53)] : [text, 53]
  return parseAddress(host) && port > 0 && port < 65_536 ? { address: host, port } : undefined
}

const upstream: Reader<Upstream> = (value, path) =>
  (typeof value === 'string' && parseUpstream(value)) ||
  misfit(path, 'expected the address of a server, such as 192.0.2.1 or 192.0.2.1:5353')

const maxUpstreams = 15

const upstreams: Reader<readonly Upstream[]> = (value, path) => {
  const found = list(upstream)(value, path)
  return found.length <= maxUpstreams ? found : misfit(path, `at most ${maxUpstreams} servers`)
}

/** In the file times are seconds. */
type ForwardFile = Omit<ForwardConfig, 'timeoutMs'> & { readonly timeout: number }

const { timeoutMs, ...untimed } = defaultForward

/** As CoreDNS has it: any result but the good one. */
const failoverCodes = {
  FORMERR: rcodes.malformed,
  SERVFAIL: rcodes.failed,
  NXDOMAIN: rcodes.noName,
  NOTIMP: rcodes.notImplemented,
  REFUSED: rcodes.refused,
} as const

const failoverCode: Reader<number> = (value, path) =>
  failoverCodes[oneOf('FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED')(value, path)]

const forwardFile = mapping<ForwardFile>(
  {
    upstreams,
    policy: oneOf('sequential', 'random', 'round-robin'),
    timeout: milliseconds,
    maxConcurrent: whole(1, 100_000),
    forceTcp: flag,
    failover: list(failoverCode),
  },
  { ...untimed, timeout: timeoutMs },
)

const forward: Reader<ForwardConfig> = (value, path) => {
  const { timeout, ...rest } = forwardFile(value, path)
  return { ...rest, timeoutMs: timeout }
}

/** A list of servers alone will do. */
const stub: Reader<ForwardConfig> = (value, path) => {
  const found = Array.isArray(value) ? { ...defaultForward, upstreams: upstreams(value, path) } : forward(value, path)
  return found.upstreams.length > 0 ? found : misfit(path, 'a stub domain needs servers')
}

const stubs: Reader<Readonly<Record<string, ForwardConfig>>> = (value, path) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return misfit(path, 'expected a mapping')
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [domain(key, [...path, key]), stub(each, [...path, key])]),
  )
}

const cache: Reader<CacheConfig | undefined> = (value, path) =>
  value === false
    ? undefined
    : mapping<CacheConfig>(
        {
          maxEntries: whole(1, 1_000_000),
          maxTtl: whole(0, 86_400),
          maxNegativeTtl: whole(0, 86_400),
          prefetch: flag,
          staleSeconds: whole(0, 86_400),
        },
        defaultCache,
      )(value, path)

const host = (value: unknown, path: Path) => {
  const found = mapping({ address, names: list(domain) }, { address: '', names: [] as readonly string[] })(value, path)
  return found.address !== '' && found.names.length > 0 ? found : misfit(path, 'needs an address and names')
}

const rewrite: Reader<RewriteRule> = (value, path) => {
  const found = mapping({ kind: oneOf('exact', 'suffix'), from: domain, to: domain }, {
    kind: 'exact' as const,
    from: '',
    to: '',
  } as RewriteRule)(value, path)
  return found.from !== '' && found.to !== '' ? found : misfit(path, 'needs "from" and "to"')
}

const url: Reader<string> = (value, path) =>
  typeof value === 'string' && URL.canParse(value) && /^https?:/.test(value)
    ? value.replace(/\/$/, '')
    : misfit(path, 'expected a URL such as http://192.0.2.1:2379')

const prefix: Reader<string> = (value, path) =>
  typeof value === 'string' && /^\/[^/].*[^/]$/.test(value) ? value : misfit(path, 'expected a path such as /skydns')

const config = mapping<DnsConfig>(
  {
    ttl: whole(0, 3_600),
    pods: oneOf('verified', 'disabled'),
    forward,
    stubDomains: stubs,
    cache,
    hosts: list(host),
    rewrites: list(rewrite),
    logOneOf: whole(0, 1_000_000),
    searchCompletion: flag,
    skydns: mapping({ zones: list(domain), etcd: list(url), prefix }, defaultSky),
  },
  defaultDnsConfig,
)

/** Throws `DnsConfigError` with the line and the reason. */
export const parseDnsConfig = (text: string, file: string): DnsConfig => {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const at = (offset: number): string => `${file}:${lines.linePos(offset).line}`
  const [wrong] = document.errors
  if (wrong) throw new DnsConfigError(`${at(wrong.pos[0])}: ${wrong.message.split('\n')[0]}`)
  try {
    return config(document.toJS() ?? {}, [])
  } catch (error) {
    if (!(error instanceof Misfit)) throw error
    const { path } = error
    const node = path.length === 0 ? document.contents : document.getIn(path, true)
    const range = (node as { readonly range?: readonly number[] } | undefined)?.range
    const where = path.length === 0 ? '' : `${path.join('.')}: `
    throw new DnsConfigError(`${range?.[0] === undefined ? file : at(range[0])}: ${where}${error.message}`)
  }
}
