import { type FieldError, invalidValue, required } from '../../../api/errors.ts'
import type { HttpIngressPath, Ingress, IngressBackend, IngressClass, IngressRule } from '../../../api/types/index.ts'
import { isAddress } from '../../../ip/address.ts'
import { ageColumn, column, list, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { immutable } from '../metadata.ts'
import { checkSubdomain, checkWildcardSubdomain, subdomainName } from '../names.ts'

/** Would be read differently by different servers. */
const forbiddenInPaths = ['//', '/./', '/../', '%2f', '%2F']

const check = (message: string | undefined, field: string, value: unknown): FieldError[] =>
  message === undefined ? [] : [invalidValue(field, value, message)]

const validateBackend = ({ service, resource }: IngressBackend, field: string): FieldError[] => {
  if (service && resource) return [invalidValue(field, '', 'cannot set both resource and service backends')]
  if (resource) return []
  if (!service) return [required(field, 'must provide either a service or a resource')]
  const { name, port } = service
  const path = `${field}.service`
  return [
    ...(name ? [] : [required(`${path}.name`)]),
    ...(port?.name && port.number ? [invalidValue(path, '', 'cannot set both port name & port number')] : []),
    ...(!port?.name && !port?.number ? [required(path, 'port name or number is required')] : []),
  ]
}

const validatePath = ({ path, pathType, backend }: HttpIngressPath, field: string): FieldError[] => {
  const wrongType = pathType ? [] : [required(`${field}.pathType`, 'pathType must be specified')]
  const strict = pathType === 'Exact' || pathType === 'Prefix'
  return [
    ...wrongType,
    ...(strict && !path?.startsWith('/')
      ? [invalidValue(`${field}.path`, path ?? '', 'must be an absolute path')]
      : []),
    ...(strict
      ? forbiddenInPaths
          .filter((part) => path?.includes(part))
          .map((part) => invalidValue(`${field}.path`, path, `must not contain '${part}'`))
      : []),
    ...validateBackend(backend ?? {}, `${field}.backend`),
  ]
}

const validateHost = (host: string | undefined, field: string): FieldError[] => {
  if (!host) return []
  if (isAddress(host)) return [invalidValue(field, host, 'must be a DNS name, not an IP address')]
  return check(host.includes('*') ? checkWildcardSubdomain(host) : checkSubdomain(host), field, host)
}

const validateRule = (rule: IngressRule, field: string): FieldError[] => [
  ...validateHost(rule.host, `${field}.host`),
  ...(rule.http && (rule.http.paths ?? []).length === 0 ? [required(`${field}.http.paths`)] : []),
  ...(rule.http?.paths ?? []).flatMap((path, at) => validatePath(path, `${field}.http.paths[${at}]`)),
]

const validateIngress = ({ spec = {} }: Ingress): FieldError[] => [
  ...((spec.rules ?? []).length === 0 && !spec.defaultBackend
    ? [invalidValue('spec', { rules: spec.rules ?? [] }, 'either `defaultBackend` or `rules` must be specified')]
    : []),
  ...(spec.rules ?? []).flatMap((rule, at) => validateRule(rule, `spec.rules[${at}]`)),
  ...(spec.defaultBackend ? validateBackend(spec.defaultBackend, 'spec.defaultBackend') : []),
  ...(spec.tls ?? []).flatMap(({ hosts = [] }, at) =>
    hosts.flatMap((host, n) => validateHost(host, `spec.tls[${at}].hosts[${n}]`)),
  ),
]

const legacyClass = 'kubernetes.io/ingress.class'

const addressText = ({ status }: Ingress): string =>
  list(
    (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? ''),
    '',
  )

export const ingress = define<Ingress>({
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'ingresses',
  singular: 'ingress',
  kind: 'Ingress',
  namespaced: true,
  shortNames: ['ing'],
  nameRule: subdomainName,
  status: 'separate',
  generation: true,
  columns: [
    nameColumn,
    column(
      'Class',
      (i) => i.spec?.ingressClassName ?? i.metadata.annotations?.[legacyClass] ?? '<none>',
      'Who serves it',
    ),
    column(
      'Hosts',
      (i) =>
        list(
          (i.spec?.rules ?? []).flatMap(({ host }) => host ?? []),
          '*',
        ),
      'Hosts it serves',
    ),
    column('Address', addressText, 'Where it is served'),
    column('Ports', (i) => (i.spec?.tls?.length ? '80, 443' : '80'), 'Ports it is served on'),
    ageColumn,
  ],
  defaults: (i) => ({ ...i, spec: i.spec ?? {} }),
  onCreate: (i) => ({ ...i, status: { loadBalancer: {} } }),
  validate: validateIngress,
})

const validateClass = ({ spec }: IngressClass): FieldError[] => {
  const controller = spec?.controller
  if (!controller) return [required('spec.controller')]
  const [domain = '', ...path] = controller.split('/')
  return path.length > 0 && path.every(Boolean)
    ? check(checkSubdomain(domain), 'spec.controller', controller)
    : [invalidValue('spec.controller', controller, 'must be a domain-prefixed path (such as "acme.io/foo")')]
}

export const ingressClass = define<IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'ingressclasses',
  singular: 'ingressclass',
  kind: 'IngressClass',
  namespaced: false,
  nameRule: subdomainName,
  generation: true,
  columns: [
    nameColumn,
    column('Controller', (c) => c.spec?.controller ?? '', 'Who serves Ingresses of this class'),
    column(
      'Parameters',
      ({ spec }) => {
        const parameters = spec?.parameters
        if (!parameters) return '<none>'
        const { apiGroup, kind, name } = parameters
        return apiGroup ? `${kind}.${apiGroup}/${name}` : `${kind}/${name}`
      },
      'Where its settings are',
    ),
    ageColumn,
  ],
  validate: validateClass,
  validateUpdate: (now, old) => immutable('spec.controller', now.spec?.controller, old.spec?.controller),
})
