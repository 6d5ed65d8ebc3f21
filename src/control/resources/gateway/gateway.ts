import { type FieldError, invalidValue, required } from '../../../api/errors.ts'
import type {
  Condition,
  Gateway,
  GatewayAddress,
  GatewayClass,
  GatewayFrontendTls,
  GatewayListener,
  GatewayObjectReference,
} from '../../../api/types/index.ts'
import { ageColumn, column, list, nameColumn, wide } from '../columns.ts'
import { define } from '../definition.ts'
import { immutable, validateSelector } from '../metadata.ts'
import {
  atMost,
  checkHostname,
  checkPort,
  checkReference,
  checkSectionName,
  distinct,
  matching,
  oneOf,
  present,
} from './checks.ts'
import { gatewayKindV1 } from './kind.ts'

type GatewayTls = NonNullable<NonNullable<Gateway['spec']>['tls']>

const { group } = gatewayKindV1

const conditionStatus = (conditions: readonly Condition[] | undefined, type: string): string =>
  conditions?.find((each) => each.type === type)?.status ?? ''

/** What a new object says until a controller has looked at it. */
const pending = (type: string): Condition => ({
  ...{ type, status: 'Unknown', reason: 'Pending', message: 'Waiting for controller' },
  lastTransitionTime: '1970-01-01T00:00:00Z',
})

const controllerName =
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/

const validateClass = ({ spec }: GatewayClass): FieldError[] => [
  ...present(spec?.controllerName, 'spec.controllerName'),
  ...matching(controllerName, 253, spec?.controllerName, 'spec.controllerName'),
  ...matching(/^/, 64, spec?.description, 'spec.description'),
  ...(spec?.parametersRef ? checkReference(spec.parametersRef, 'spec.parametersRef') : []),
]

export const gatewayClass = define<GatewayClass>({
  ...gatewayKindV1,
  plural: 'gatewayclasses',
  singular: 'gatewayclass',
  kind: 'GatewayClass',
  namespaced: false,
  shortNames: ['gc'],
  columns: [
    nameColumn,
    column('Controller', ({ spec }) => spec?.controllerName ?? '', 'Who serves Gateways of this class'),
    column('Accepted', ({ status }) => conditionStatus(status?.conditions, 'Accepted'), 'Whether that one agrees'),
    ageColumn,
    wide('Description', ({ spec }) => spec?.description ?? '', 'What the class is for'),
  ],
  onCreate: (gc) => ({ ...gc, status: { conditions: [pending('Accepted')] } }),
  validate: validateClass,
  validateUpdate: (now, old) => immutable('spec.controllerName', now.spec?.controllerName, old.spec?.controllerName),
})

const listenerProtocol =
  /^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9]+$/

const validateTls = ({ protocol, tls }: GatewayListener, field: string): FieldError[] => {
  if (!tls) return []
  const { mode, certificateRefs = [], options = {} } = tls
  const path = `${field}.tls`
  const hasContent = certificateRefs.length > 0 || Object.keys(options).length > 0
  return [
    ...(['HTTP', 'TCP', 'UDP'].includes(protocol)
      ? [invalidValue(field, '', "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']")]
      : []),
    ...oneOf(['Terminate', 'Passthrough'], mode, `${path}.mode`),
    ...(protocol === 'HTTPS' && mode === 'Passthrough'
      ? [invalidValue(field, '', 'tls mode must be Terminate for protocol HTTPS')]
      : []),
    ...(mode === 'Terminate' && !hasContent
      ? [invalidValue(path, '', 'certificateRefs or options must be specified when mode is Terminate')]
      : []),
    ...atMost(64, certificateRefs, `${path}.certificateRefs`),
    ...certificateRefs.flatMap((ref, at) => checkReference(ref, `${path}.certificateRefs[${at}]`)),
  ]
}

const validateAllowed = ({ allowedRoutes }: GatewayListener, field: string): FieldError[] => {
  const { namespaces, kinds = [] } = allowedRoutes ?? {}
  return [
    ...oneOf(['All', 'Selector', 'Same', 'None'], namespaces?.from, `${field}.namespaces.from`),
    ...validateSelector(namespaces?.selector, `${field}.namespaces.selector`),
    ...atMost(8, kinds, `${field}.kinds`),
    ...kinds.flatMap((each, at) => checkReference({ ...each, name: each.kind }, `${field}.kinds[${at}]`)),
  ]
}

const validateListener = (listener: GatewayListener, field: string): FieldError[] => {
  const { name, hostname, port, protocol } = listener
  return [
    ...present(name, `${field}.name`),
    ...checkSectionName(name, `${field}.name`),
    ...(hostname === '' ? [] : checkHostname(hostname, `${field}.hostname`)),
    ...(hostname && ['TCP', 'UDP'].includes(protocol)
      ? [invalidValue(field, '', "hostname must not be specified for protocols ['TCP', 'UDP']")]
      : []),
    ...present(port, `${field}.port`),
    ...checkPort(port, `${field}.port`),
    ...present(protocol, `${field}.protocol`),
    ...matching(listenerProtocol, 255, protocol, `${field}.protocol`),
    ...(protocol === 'TLS' && !listener.tls ? [invalidValue(field, '', 'tls mode must be set for protocol TLS')] : []),
    ...validateTls(listener, field),
    ...validateAllowed(listener, `${field}.allowedRoutes`),
  ]
}

const validateFrontendOf = (tls: GatewayFrontendTls | undefined, field: string): FieldError[] => {
  const { validation } = tls ?? {}
  if (!validation) return []
  const { caCertificateRefs = [], mode } = validation
  const path = `${field}.validation`
  return [
    ...(caCertificateRefs.length === 0 ? [required(`${path}.caCertificateRefs`)] : []),
    ...atMost(8, caCertificateRefs, `${path}.caCertificateRefs`),
    ...caCertificateRefs.flatMap((ref, at) => checkReference(ref, `${path}.caCertificateRefs[${at}]`)),
    ...oneOf(['AllowValidOnly', 'AllowInsecureFallback'], mode, `${path}.mode`),
  ]
}

const validateFrontend = ({ spec }: Gateway): FieldError[] => {
  const { frontend, backend } = spec?.tls ?? {}
  const { perPort = [] } = frontend ?? {}
  const field = 'spec.tls.frontend'
  return [
    ...validateFrontendOf(frontend?.default, `${field}.default`),
    ...atMost(64, perPort, `${field}.perPort`),
    ...perPort.flatMap(({ port, tls }, at) => [
      ...present(port, `${field}.perPort[${at}].port`),
      ...checkPort(port, `${field}.perPort[${at}].port`),
      ...(tls ? validateFrontendOf(tls, `${field}.perPort[${at}].tls`) : [required(`${field}.perPort[${at}].tls`)]),
    ]),
    ...distinct(
      perPort,
      ({ port }) => String(port),
      `${field}.perPort`,
      'Port for TLS configuration must be unique within the Gateway',
    ),
    ...(backend?.clientCertificateRef
      ? checkReference(backend.clientCertificateRef, 'spec.tls.backend.clientCertificateRef')
      : []),
  ]
}

/** What values of other types look like is known to whoever serves those. */
const validateAddress = ({ type = 'IPAddress', value = '' }: GatewayAddress, field: string): FieldError[] => [
  ...matching(/^/, 253, value, field),
  ...(type === 'Hostname' && value !== '' ? checkHostname(value, field) : []),
  ...(type === 'IPAddress' ? matching(/^[-A-Za-z0-9_.:]*$/, 253, value, field) : []),
]

const validateGateway = (gateway: Gateway): FieldError[] => {
  const { gatewayClassName, listeners = [], addresses = [], infrastructure } = gateway.spec ?? {}
  return [
    ...present(gatewayClassName, 'spec.gatewayClassName'),
    ...(listeners.length === 0 ? [required('spec.listeners')] : []),
    ...atMost(64, listeners, 'spec.listeners'),
    ...atMost(16, addresses, 'spec.addresses'),
    ...addresses.flatMap((address, at) => validateAddress(address, `spec.addresses[${at}].value`)),
    ...distinct(
      addresses.filter(({ value }) => value),
      ({ type = 'IPAddress', value }) => `${type} ${value}`,
      'spec.addresses',
      'Address values must be unique',
    ),
    ...listeners.flatMap((listener, at) => validateListener(listener, `spec.listeners[${at}]`)),
    ...distinct(listeners, ({ name }) => name, 'spec.listeners', 'Listener name must be unique within the Gateway'),
    ...distinct(
      listeners,
      ({ port, protocol, hostname = '' }) => `${port} ${protocol} ${hostname}`,
      'spec.listeners',
      'Combination of port, protocol and hostname must be unique for each listener',
    ),
    ...validateFrontend(gateway),
    ...(infrastructure?.parametersRef
      ? checkReference(infrastructure.parametersRef, 'spec.infrastructure.parametersRef')
      : []),
  ]
}

const certificateDefaults = (ref: GatewayObjectReference): GatewayObjectReference => ({
  ...{ group: '', kind: 'Secret' },
  ...ref,
})

const listenerDefaults = (listener: GatewayListener): GatewayListener => {
  const { tls, allowedRoutes } = listener
  return {
    ...listener,
    ...(tls
      ? {
          tls: {
            ...{ mode: 'Terminate' as const },
            ...tls,
            ...(tls.certificateRefs ? { certificateRefs: tls.certificateRefs.map(certificateDefaults) } : {}),
          },
        }
      : {}),
    allowedRoutes: {
      ...allowedRoutes,
      namespaces: { from: 'Same', ...allowedRoutes?.namespaces },
      ...(allowedRoutes?.kinds ? { kinds: allowedRoutes.kinds.map((kind) => ({ group, ...kind })) } : {}),
    },
  }
}

const frontendDefaults = (tls: GatewayFrontendTls): GatewayFrontendTls => {
  const { validation } = tls
  if (!validation) return tls
  return { ...tls, validation: { mode: 'AllowValidOnly', ...validation } }
}

const tlsDefaults = (tls: GatewayTls): GatewayTls => {
  const { frontend, backend } = tls
  const ref = backend?.clientCertificateRef
  return {
    ...tls,
    ...(frontend
      ? {
          frontend: {
            ...frontend,
            ...(frontend.default ? { default: frontendDefaults(frontend.default) } : {}),
            ...(frontend.perPort
              ? { perPort: frontend.perPort.map((each) => ({ ...each, tls: frontendDefaults(each.tls ?? {}) })) }
              : {}),
          },
        }
      : {}),
    ...(ref ? { backend: { ...backend, clientCertificateRef: certificateDefaults(ref) } } : {}),
  }
}

const withDefaults = (gateway: Gateway): Gateway => {
  const { spec } = gateway
  if (!spec) return gateway
  const listeners = (spec.listeners ?? []).map(listenerDefaults)
  const addresses = spec.addresses?.map((address) => ({ type: 'IPAddress', ...address }))
  const tls = spec.tls ? { tls: tlsDefaults(spec.tls) } : {}
  return { ...gateway, spec: { ...spec, listeners, ...tls, ...(addresses ? { addresses } : {}) } }
}

export const gateway = define<Gateway>({
  ...gatewayKindV1,
  plural: 'gateways',
  singular: 'gateway',
  kind: 'Gateway',
  namespaced: true,
  shortNames: ['gtw'],
  columns: [
    nameColumn,
    column('Class', ({ spec }) => spec?.gatewayClassName ?? '', 'Who serves it'),
    column(
      'Address',
      ({ status }) =>
        list(
          (status?.addresses ?? []).map(({ value = '' }) => value),
          '',
        ),
      'Where it is served',
    ),
    column('Programmed', ({ status }) => conditionStatus(status?.conditions, 'Programmed'), 'Whether it is served'),
    ageColumn,
  ],
  defaults: withDefaults,
  onCreate: (gtw) => ({ ...gtw, status: { conditions: [pending('Accepted'), pending('Programmed')] } }),
  validate: validateGateway,
})
