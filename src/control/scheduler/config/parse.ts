/** Reads a KubeSchedulerConfiguration. Pure. */
import { parse } from 'yaml'
import { checkFields, flagOf, listOf, objectOf, textOf, wholeNumberOf } from '../../../api/config-fields.ts'
import { isJsonObject, type JsonObject } from '../../../api/json.ts'
import { checkSubdomain, isQualifiedName } from '../../../api/names.ts'
import {
  defaultConfiguration,
  defaultSchedulerName,
  type ExtenderConfiguration,
  type PemSource,
  type PluginSet,
  type PluginSets,
  type ProfileConfiguration,
  points,
  type SchedulerConfiguration,
  type TlsConfiguration,
} from './configuration.ts'

const group = 'kubescheduler.config.k8s.io'
/** What is read here is the same in all of them. */
const versions = ['v1', 'v1beta3', 'v1beta2', 'v1beta1']

const percent = [0, 100] as const
const weights = [1, 1_000_000] as const
const mostTimeoutMs = 600_000

const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }

/** A duration as Go writes it, of no more than a millisecond's grain. */
const durationOf = (object: JsonObject, name: string, where: string): number | undefined => {
  const text = textOf(object, name, where)
  if (text === undefined) return undefined
  const ms = /^(?:\d{1,9}(?:\.\d{1,3})?(?:h|ms|m|s))+$/.test(text)
    ? [...text.matchAll(/([\d.]+)(h|ms|m|s)/g)].reduce(
        (sum, [, count, unit = '']) => sum + Number(count) * (unitMs[unit] ?? 0),
        0,
      )
    : 0
  if (ms < 1 || ms > mostTimeoutMs)
    throw new Error(`${where}.${name}: ${JSON.stringify(text)} is no duration of 1ms to 10m, such as 5s`)
  return ms
}

const nameOf = (object: JsonObject, where: string): string => {
  const name = textOf(object, 'name', where)
  if (!name) throw new Error(`${where}.name: is missing`)
  return name
}

const pluginSetOf = (set: JsonObject, where: string): PluginSet => {
  checkFields(set, ['enabled', 'disabled'], where)
  return {
    enabled: listOf(set, 'enabled', where).map((each, at) => {
      const place = `${where}.enabled[${at}]`
      checkFields(each, ['name', 'weight'], place)
      const weight = wholeNumberOf(each, 'weight', place, weights)
      return { name: nameOf(each, place), ...(weight === undefined ? {} : { weight }) }
    }),
    disabled: listOf(set, 'disabled', where).map((each, at) => {
      const place = `${where}.disabled[${at}]`
      checkFields(each, ['name', 'weight'], place)
      return nameOf(each, place)
    }),
  }
}

const pluginSetsOf = (plugins: JsonObject | undefined, where: string): PluginSets => {
  if (!plugins) return {}
  const known = ['multiPoint', ...points] as const
  checkFields(plugins, known, where)
  return Object.fromEntries(
    known.flatMap((point) => {
      const set = objectOf(plugins, point, where)
      return set ? [[point, pluginSetOf(set, `${where}.${point}`)]] : []
    }),
  )
}

const argsOf = (profile: JsonObject, where: string): ReadonlyMap<string, unknown> =>
  new Map(
    listOf(profile, 'pluginConfig', where).map((each, at) => {
      const place = `${where}.pluginConfig[${at}]`
      checkFields(each, ['name', 'args'], place)
      return [nameOf(each, place), each['args']]
    }),
  )

const profileOf = (profile: JsonObject, percentageOfAll: number, where: string): ProfileConfiguration => {
  checkFields(profile, ['schedulerName', 'percentageOfNodesToScore', 'plugins', 'pluginConfig'], where)
  const schedulerName = textOf(profile, 'schedulerName', where) ?? defaultSchedulerName
  if (checkSubdomain(schedulerName) !== undefined)
    throw new Error(`${where}.schedulerName: ${JSON.stringify(schedulerName)} is no name that a pod could ask for`)
  return {
    schedulerName,
    percentageOfNodesToScore: wholeNumberOf(profile, 'percentageOfNodesToScore', where, percent) ?? percentageOfAll,
    plugins: pluginSetsOf(objectOf(profile, 'plugins', where), `${where}.plugins`),
    args: argsOf(profile, where),
  }
}

const pemOf = (
  tls: JsonObject,
  kind: 'ca' | 'cert' | 'key',
  where: string,
): Partial<Record<typeof kind, PemSource>> => {
  const [file, data] = [textOf(tls, `${kind}File`, where), textOf(tls, `${kind}Data`, where)]
  if (file && data) throw new Error(`${where}: has both ${kind}File and ${kind}Data`)
  if (file) return { [kind]: { file } }
  return data ? { [kind]: { data: Buffer.from(data, 'base64').toString('utf8') } } : {}
}

const tlsFields = ['insecure', 'serverName', 'certFile', 'keyFile', 'caFile', 'certData', 'keyData', 'caData']

const tlsOf = (tls: JsonObject | undefined, where: string): TlsConfiguration => {
  if (!tls) return { insecure: false }
  checkFields(tls, tlsFields, where)
  const insecure = flagOf(tls, 'insecure', where) ?? false
  const serverName = textOf(tls, 'serverName', where)
  const own = { ...pemOf(tls, 'ca', where), ...pemOf(tls, 'cert', where), ...pemOf(tls, 'key', where) }
  if (insecure && own.ca) throw new Error(`${where}: a CA is of no use with insecure`)
  if ((own.cert === undefined) !== (own.key === undefined))
    throw new Error(`${where}: a certificate and its key belong together`)
  return { insecure, ...(serverName ? { serverName } : {}), ...own }
}

const urlOf = (extender: JsonObject, where: string): URL => {
  const text = textOf(extender, 'urlPrefix', where) ?? ''
  const url = URL.parse(text)
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new Error(`${where}.urlPrefix: ${JSON.stringify(text)} is no URL of http or https`)
  if (url.username || url.password || url.search || url.hash)
    throw new Error(`${where}.urlPrefix: may have a host, a port and a path, and nothing else`)
  return url
}

/** A part of a path that is added to the prefix. */
const verbOf = (extender: JsonObject, name: string, where: string): string => {
  const verb = textOf(extender, name, where) ?? ''
  if (!/^[\w./-]*$/.test(verb) || verb.split('/').includes('..'))
    throw new Error(`${where}.${name}: ${JSON.stringify(verb)} is no path`)
  return verb
}

const managedOf = (extender: JsonObject, where: string): ExtenderConfiguration['managedResources'] =>
  listOf(extender, 'managedResources', where).map((each, at) => {
    const place = `${where}.managedResources[${at}]`
    checkFields(each, ['name', 'ignoredByScheduler'], place)
    const name = nameOf(each, place)
    if (!isQualifiedName(name)) throw new Error(`${place}.name: ${JSON.stringify(name)} is no name of a resource`)
    return { name, ignoredByScheduler: flagOf(each, 'ignoredByScheduler', place) ?? false }
  })

const extenderFields = [
  ...['urlPrefix', 'filterVerb', 'preemptVerb', 'prioritizeVerb', 'weight', 'bindVerb', 'enableHTTPS', 'tlsConfig'],
  ...['httpTimeout', 'nodeCacheCapable', 'managedResources', 'ignorable'],
]

const extenderOf = (extender: JsonObject, where: string): ExtenderConfiguration => {
  checkFields(extender, extenderFields, where)
  const url = urlOf(extender, where)
  const isSecure = url.protocol === 'https:'
  if (!isSecure && (flagOf(extender, 'enableHTTPS', where) || extender['tlsConfig'] !== undefined))
    throw new Error(`${where}: enableHTTPS and tlsConfig want an urlPrefix of https`)
  const [filterVerb, prioritizeVerb] = [
    verbOf(extender, 'filterVerb', where),
    verbOf(extender, 'prioritizeVerb', where),
  ]
  const [preemptVerb, bindVerb] = [verbOf(extender, 'preemptVerb', where), verbOf(extender, 'bindVerb', where)]
  if (!filterVerb && !prioritizeVerb && !preemptVerb && !bindVerb) throw new Error(`${where}: has no verb`)
  const weight = wholeNumberOf(extender, 'weight', where, weights)
  if (prioritizeVerb && weight === undefined) throw new Error(`${where}.weight: is missing, beside a prioritizeVerb`)
  return {
    ...{ urlPrefix: url.href.replace(/\/+$/, ''), filterVerb, prioritizeVerb, preemptVerb, bindVerb },
    weight: weight ?? 1,
    tls: tlsOf(objectOf(extender, 'tlsConfig', where), `${where}.tlsConfig`),
    timeoutMs: durationOf(extender, 'httpTimeout', where) ?? 5_000,
    nodeCacheCapable: flagOf(extender, 'nodeCacheCapable', where) ?? false,
    managedResources: managedOf(extender, where),
    ignorable: flagOf(extender, 'ignorable', where) ?? false,
  }
}

const backoffOf = (whole: JsonObject, where: string): SchedulerConfiguration['backoffMs'] => {
  const [first, last] = ['podInitialBackoffSeconds', 'podMaxBackoffSeconds'].map((name) => {
    const seconds = wholeNumberOf(whole, name, where, [1, 3_600])
    return seconds === undefined ? undefined : 1_000 * seconds
  })
  const { base, max } = defaultConfiguration.backoffMs
  const backoffMs = { base: first ?? base, max: last ?? Math.max(max, first ?? base) }
  if (backoffMs.max < backoffMs.base)
    throw new Error(`${where}.podMaxBackoffSeconds: is less than podInitialBackoffSeconds`)
  return backoffMs
}

const fields = [
  ...['apiVersion', 'kind', 'percentageOfNodesToScore', 'podInitialBackoffSeconds', 'podMaxBackoffSeconds'],
  ...['profiles', 'extenders'],
]

/** YAML or JSON. Throws with the field that is wrong. */
export const parseConfiguration = (text: string): SchedulerConfiguration => {
  const whole: unknown = parse(text)
  if (!isJsonObject(whole) || whole['kind'] !== 'KubeSchedulerConfiguration')
    throw new Error('kind: must be KubeSchedulerConfiguration')
  if (!versions.some((version) => whole['apiVersion'] === `${group}/${version}`))
    throw new Error(`apiVersion: must be ${group}/v1`)
  const where = 'the configuration'
  checkFields(whole, fields, where)
  const percentage = wholeNumberOf(whole, 'percentageOfNodesToScore', where, percent) ?? 0
  const profiles = listOf(whole, 'profiles', where).map((each, at) => profileOf(each, percentage, `profiles[${at}]`))
  const names = profiles.map(({ schedulerName }) => schedulerName)
  const twice = names.find((name, at) => names.indexOf(name) < at)
  if (twice !== undefined) throw new Error(`profiles: the schedulerName ${JSON.stringify(twice)} stands there twice`)
  const extenders = listOf(whole, 'extenders', where).map((each, at) => extenderOf(each, `extenders[${at}]`))
  if (extenders.filter(({ bindVerb }) => bindVerb).length > 1)
    throw new Error('extenders: only one of them may have a bindVerb')
  const [standard] = defaultConfiguration.profiles
  return {
    profiles: profiles.length > 0 || !standard ? profiles : [{ ...standard, percentageOfNodesToScore: percentage }],
    ...{ extenders, backoffMs: backoffOf(whole, where) },
  }
}
