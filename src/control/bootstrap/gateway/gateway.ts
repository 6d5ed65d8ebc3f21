import { askedAddresses, givenAddresses } from './addresses.ts'
import { conditions, pending } from './conditions.ts'
import { listenerStates, listeners } from './listeners.ts'
import { localReference, mustBeGranted, reference, secretReference } from './references.ts'
import { atomicList, int32, kind, listBy, map, object, oneOf, rule, type Schema } from './schema.ts'
import { selector } from './selector.ts'
import { labelValue, longValue, objectName, patterns, port } from './texts.ts'

const keys = (what: string) => [
  rule(
    `the keys of ${what} must be names, which may have a DNS name and a slash before them`,
    `self.all(key, key.matches(r'${patterns.key}'))`,
  ),
  rule(
    `what stands before the slash in keys of ${what} must be shorter than 253 characters`,
    "self.all(key, key.split('/')[0].size() < 253)",
  ),
]

const infrastructure = object('What is put on all that the controller makes for it.', {
  annotations: map('Annotations.', longValue, { maxProperties: 16 }, keys('annotations')),
  labels: map('Labels.', labelValue, { maxProperties: 8 }, keys('labels')),
  parametersRef: localReference('An object with settings for the controller.'),
})

const allowedListeners = object('Which ListenerSets may add listeners. Missing: none.', {
  namespaces: {
    ...object('The namespaces of the ListenerSets. Default: none.', {
      from: oneOf(
        'None (the default). Same: that of the Gateway. All. Selector: as the selector says.',
        ['All', 'Selector', 'Same', 'None'],
        'None',
      ),
      selector: selector('The namespaces, by their labels. Only for Selector.'),
    }),
    default: { from: 'None' },
  },
})

const validation = object(
  'How the certificates of clients are checked. Missing: they are not asked for.',
  {
    caCertificateRefs: atomicList(
      'Objects with the authorities that may vouch for clients.',
      reference('An object with certificates of authorities, mostly a ConfigMap.', mustBeGranted),
      { minItems: 1, maxItems: 16 },
    ),
    mode: oneOf(
      'AllowValidOnly (the default): others are refused. AllowInsecureFallback: they are let in.',
      ['AllowValidOnly', 'AllowInsecureFallback'],
      'AllowValidOnly',
    ),
  },
  ['caCertificateRefs'],
)

const frontendSettings = (description: string): Schema => object(description, { validation })

const frontend = object(
  'For connections of clients.',
  {
    default: frontendSettings('For all ports without their own.'),
    perPort: listBy(
      'port',
      'For single ports.',
      object(
        'TLSPortConfig is the settings of TLS of one port.',
        { port: port('The port.'), tls: frontendSettings('The settings.') },
        ['port', 'tls'],
      ),
      { maxItems: 64 },
      [rule('no port can be given twice', 'self.all(a, self.exists_one(b, a.port == b.port))')],
    ),
  },
  ['default'],
)

const backend = object('For connections to backends.', {
  clientCertificateRef: secretReference('The Secret with the certificate by which the Gateway is known to them.'),
})

const spec = object(
  'Where it listens, and who may attach routes.',
  {
    addresses: askedAddresses,
    allowedListeners,
    gatewayClassName: objectName('The GatewayClass, and so the controller, that it is for.'),
    infrastructure,
    listeners,
    tls: object('Settings of TLS for all of it.', { backend, frontend }),
  },
  ['gatewayClassName', 'listeners'],
)

const atFirst = pending('Accepted', 'Programmed')

const status = {
  ...object('The present state, written by the controller.', {
    addresses: givenAddresses,
    attachedListenerSets: int32('How many ListenerSets are attached to it.'),
    conditions: conditions('Aspects of the state, one of each type.', { default: atFirst }),
    listeners: listenerStates,
  }),
  default: { conditions: atFirst },
}

export const gatewaySchema = kind('Gateway is a place at which traffic comes into the cluster.', spec, status)
