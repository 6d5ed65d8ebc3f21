import { type FieldError, invalidValue, notSupported, required, tooLong } from '../../../api/errors.ts'
import { checkSubdomain } from '../../../api/names.ts'
import type { HTTPIngressPath, Ingress, IngressBackend, IngressClass, IngressRule } from '../../../api/types/index.ts'
import { isAddress } from '../../../ip/address.ts'
import { ageColumn, column, list, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { immutable } from '../metadata.ts'
import { checkWildcardSubdomain, ifWrong, subdomainName } from '../names.ts'
import { ingressV1beta1 } from './ingress-v1beta1.ts'

/** Would be read differently by different servers. */
const forbiddenInPaths = ['//', '/./', '/../', '%2f', '%2F']
const forbiddenEnds = ['/..', '/.']

/** What refers to an object of any kind, in the same namespace. */
const validateReference = (
  reference: { readonly kind?: string; readonly name?: string } | undefined,
  field: string,
): FieldError[] =>
  reference
    ? [
        ...(reference.kind ? [] : [required(`${field}.kind`, 'kind is required')]),
        ...(reference.name ? [] : [required(`${field}.name`, 'name is required')]),
      ]
    : []

const validateBackend = ({ service, resource }: IngressBackend, field: string): FieldError[] => {
  if (service && resource) return [invalidValue(field, '', 'cannot set both resource and service backends')]
  if (resource) return validateReference(resource, `${field}.resource`)
  if (!service) return [invalidValue(field, '', 'resource or service backend is required')]
  const { name, port } = service
  return [
    ...(name ? [] : [required(`${field}.service.name`)]),
    ...(port?.name && port.number ? [invalidValue(field, '', 'cannot set both port name & port number')] : []),
    ...(!port?.name && !port?.number ? [required(field, 'port name or number is required')] : []),
  ]
}

const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix']

const validatePath = ({ path = '', pathType, backend }: HTTPIngressPath, field: string): FieldError[] => {
  if (pathType === undefined) return [required(`${field}.pathType`, 'pathType must be specified')]
  const wrong = (why: string) => invalidValue(`${field}.path`, path, why)
  // Said, but empty, is not the same as not said.
  const isEmpty = String(pathType) === ''
  const isStrict = pathType === 'Exact' || pathType === 'Prefix'
  return [
    ...((isStrict || path !== '') && !path.startsWith('/') ? [wrong('must be an absolute path')] : []),
    ...(isStrict
      ? [
          ...forbiddenInPaths.filter((part) => path.includes(part)).map((part) => wrong(`must not contain '${part}'`)),
          ...forbiddenEnds.filter((end) => path.endsWith(end)).map((end) => wrong(`cannot end with '${end}'`)),
        ]
      : []),
    ...(isEmpty ? [notSupported(`${field}.pathType`, '', pathTypes)] : []),
    ...validateBackend(backend ?? {}, `${field}.backend`),
  ]
}

const validateHost = (host: string | undefined, field: string): FieldError[] => {
  if (!host) return []
  if (isAddress(host)) return [invalidValue(field, host, 'must be a DNS name, not an IP address')]
  return ifWrong(host.includes('*') ? checkWildcardSubdomain(host) : checkSubdomain(host), field, host)
}

const validateTlsHost = (host: string, field: string): FieldError[] =>
  ifWrong(host.includes('*') ? checkWildcardSubdomain(host) : checkSubdomain(host), field, host)

const validateRule = (rule: IngressRule, field: string): FieldError[] => [
  ...validateHost(rule.host, `${field}.host`),
  ...(rule.http && (rule.http.paths ?? []).length === 0 ? [required(`${field}.http.paths`)] : []),
  ...(rule.http?.paths ?? []).flatMap((path, at) => validatePath(path, `${field}.http.paths[${at}]`)),
]

/** `backend`: the field's name in the version that is written. */
const validateIngress =
  (backend: 'defaultBackend' | 'backend') =>
  ({ spec = {} }: Ingress): FieldError[] => [
    ...((spec.rules ?? []).length === 0 && !spec.defaultBackend
      ? [invalidValue('spec', spec.rules ?? null, `either \`${backend}\` or \`rules\` must be specified`)]
      : []),
    ...(spec.ingressClassName === '' ? ifWrong(checkSubdomain(''), 'spec.ingressClassName', '') : []),
    ...(spec.defaultBackend ? validateBackend(spec.defaultBackend, 'spec.defaultBackend') : []),
    ...(spec.rules ?? []).flatMap((rule, at) => validateRule(rule, `spec.rules[${at}]`)),
    ...(spec.tls ?? []).flatMap(({ hosts = [] }, at) =>
      hosts.flatMap((host, n) => validateTlsHost(host, `spec.tls[${at}].hosts[${n}]`)),
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
  validate: validateIngress('defaultBackend'),
  validateCreate: ({ spec, metadata: { annotations } }) =>
    annotations?.[legacyClass] !== undefined && spec?.ingressClassName !== undefined
      ? [
          invalidValue(
            `annotations.${legacyClass}`,
            annotations[legacyClass],
            'can not be set when the class field is also set',
          ),
        ]
      : [],
  otherVersions: [
    { version: 'v1beta1', convert: ingressV1beta1, validate: validateIngress('backend') },
    { group: 'extensions', version: 'v1beta1', convert: ingressV1beta1, validate: validateIngress('backend') },
  ],
})

const controllerLimit = 250
const pathText = /^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/

const validateController = (controller: string, field: string): FieldError[] => {
  if (controller === '') return [required(field)]
  const [domain = '', ...path] = controller.split('/')
  return [
    ...(controller.length > controllerLimit ? [tooLong(field, controllerLimit)] : []),
    ...(path.length > 0 && pathText.test(path.join('/'))
      ? ifWrong(checkSubdomain(domain), field, controller)
      : [invalidValue(field, controller, 'must be a domain-prefixed path (such as "acme.io/foo")')]),
  ]
}

const validateClass = ({ spec }: IngressClass): FieldError[] => [
  ...validateController(spec?.controller ?? '', 'spec.controller'),
  ...validateReference(spec?.parameters, 'spec.parameters'),
  ...(spec?.parameters?.apiGroup === '' ? ifWrong(checkSubdomain(''), 'spec.parameters.apiGroup', '') : []),
]

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
  otherVersions: [{ version: 'v1beta1' }],
})
