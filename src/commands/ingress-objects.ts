/** Objects that people have written, as far as Ingresses need them. Throws `ManifestError` for other shapes. */
import type { HTTPIngressPath, Ingress, IngressBackend, IngressRule, ObjectMeta } from '../api/types/index.ts'
import { items, ManifestError, type Mapping, mapping, text, texts } from './manifests.ts'

const required = <T>(value: T | undefined, at: string): T => {
  if (value === undefined) throw new ManifestError(`${at}: is missing`)
  return value
}

const metadataOf = (object: Mapping, namespace: string): ObjectMeta => {
  const written = mapping(object['metadata'], 'metadata') ?? {}
  const created = text(written['creationTimestamp'], 'metadata.creationTimestamp')
  return {
    name: required(text(written['name'], 'metadata.name'), 'metadata.name'),
    namespace: text(written['namespace'], 'metadata.namespace') ?? namespace,
    annotations: texts(written['annotations'], 'metadata.annotations'),
    ...(created === undefined ? {} : { creationTimestamp: created }),
  }
}

/** `namespace/name`. */
export const keyOf = (object: Mapping, namespace: string): string => {
  const written = mapping(object['metadata'], 'metadata') ?? {}
  const name = required(text(written['name'], 'metadata.name'), 'metadata.name')
  return `${text(written['namespace'], 'metadata.namespace') ?? namespace}/${name}`
}

const portOf = (value: unknown, at: string): { readonly number?: number; readonly name?: string } => {
  const port = mapping(value, at) ?? {}
  const number = port['number']
  if (typeof number === 'number') return { number }
  if (number !== undefined) throw new ManifestError(`${at}.number: expected a number`)
  const name = text(port['name'], `${at}.name`)
  return name === undefined ? {} : { name }
}

const backendOf = (value: unknown, at: string): IngressBackend => {
  const backend = mapping(value, at) ?? {}
  if ('serviceName' in backend) throw new ManifestError(`${at}.serviceName: is of an old version of the API`)
  const resource = mapping(backend['resource'], `${at}.resource`)
  const service = mapping(backend['service'], `${at}.service`)
  const kind = resource && (text(resource['kind'], `${at}.resource.kind`) ?? '')
  if (kind !== undefined) return { resource: { kind, name: text(resource?.['name'], `${at}.resource.name`) ?? '' } }
  if (service === undefined) return {}
  const name = required(text(service['name'], `${at}.service.name`), `${at}.service.name`)
  return { service: { name, port: portOf(service['port'], `${at}.service.port`) } }
}

const pathTypes = ['Exact', 'Prefix', 'ImplementationSpecific'] as const

const pathOf = (value: unknown, at: string): HTTPIngressPath => {
  const written = mapping(value, at) ?? {}
  const path = text(written['path'], `${at}.path`)
  const pathType = pathTypes.find((each) => each === written['pathType'])
  if (pathType === undefined) throw new ManifestError(`${at}.pathType: expected ${pathTypes.join(', ')}`)
  return { pathType, backend: backendOf(written['backend'], `${at}.backend`), ...(path === undefined ? {} : { path }) }
}

const ruleOf = (value: unknown, at: string): IngressRule => {
  const rule = mapping(value, at) ?? {}
  const host = text(rule['host'], `${at}.host`)
  const http = mapping(rule['http'], `${at}.http`)
  const paths = items(http?.['paths'], `${at}.http.paths`)
  return {
    ...(host === undefined ? {} : { host }),
    ...(http ? { http: { paths: paths.map((path, n) => pathOf(path, `${at}.http.paths[${n}]`)) } } : {}),
  }
}

const tlsOf = (value: unknown, at: string) => {
  const tls = mapping(value, at) ?? {}
  const secretName = text(tls['secretName'], `${at}.secretName`)
  const hosts = items(tls['hosts'], `${at}.hosts`).flatMap((host, n) => text(host, `${at}.hosts[${n}]`) ?? [])
  return { hosts, ...(secretName === undefined ? {} : { secretName }) }
}

export const ingressOf = (object: Mapping, namespace: string): Ingress => {
  if (object['apiVersion'] !== 'networking.k8s.io/v1')
    throw new ManifestError(`apiVersion ${object['apiVersion']}: expected networking.k8s.io/v1`)
  const spec = mapping(object['spec'], 'spec') ?? {}
  const className = text(spec['ingressClassName'], 'spec.ingressClassName')
  const fallback = spec['defaultBackend']
  return {
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: metadataOf(object, namespace) },
    spec: {
      ...(className === undefined ? {} : { ingressClassName: className }),
      ...(fallback === undefined ? {} : { defaultBackend: backendOf(fallback, 'spec.defaultBackend') }),
      rules: items(spec['rules'], 'spec.rules').map((rule, at) => ruleOf(rule, `spec.rules[${at}]`)),
      tls: items(spec['tls'], 'spec.tls').map((tls, at) => tlsOf(tls, `spec.tls[${at}]`)),
    },
  }
}

/** Decoded values of a Secret or a ConfigMap. */
export const dataOf = (object: Mapping): Readonly<Record<string, string>> => {
  const data = texts(object['data'], 'data')
  if (object['kind'] !== 'Secret') return data
  const decoded = Object.entries(data).map(
    ([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')] as const,
  )
  return { ...Object.fromEntries(decoded), ...texts(object['stringData'], 'stringData') }
}
