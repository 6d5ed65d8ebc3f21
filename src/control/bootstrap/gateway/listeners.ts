/** Listeners of Gateways. Pure. */
import { gatewayGroup } from '../../../proxy/ingress/gateway/model.ts'
import { conditions } from './conditions.ts'
import { secretReference } from './references.ts'
import { atomicList, int32, listBy, map, object, oneOf, rule, type Schema } from './schema.ts'
import { selector } from './selector.ts'
import { group, hostname, kindName, listenerProtocol, longValue, port, sectionName } from './texts.ts'

const routeKind = object(
  'RouteGroupKind is a kind of routes.',
  {
    group: group(`The group of the kind. Default: ${gatewayGroup}.`, gatewayGroup),
    kind: kindName('The kind.'),
  },
  ['kind'],
)

const fromSame = { from: 'Same' }

const allowedRoutes = {
  ...object('Which routes may attach themselves. Missing: those of the namespace of the Gateway.', {
    kinds: atomicList('The kinds of routes. Empty: those that fit the protocol.', routeKind, { maxItems: 8 }),
    namespaces: {
      ...object('The namespaces of the routes. Default: that of the Gateway.', {
        from: oneOf(
          'Same (the default): that of the Gateway. All. Selector: as the selector says.',
          ['All', 'Selector', 'Same'],
          'Same',
        ),
        selector: selector('The namespaces, by their labels. Only for Selector.'),
      }),
      default: fromSame,
    },
  }),
  default: { namespaces: fromSame },
}

const tls = object(
  'The settings of TLS. Needed for HTTPS and TLS.',
  {
    certificateRefs: atomicList(
      'Secrets with the certificates and their keys. Those of other namespaces must be granted.',
      secretReference('A Secret with a certificate and its key.'),
      { maxItems: 64 },
    ),
    // Not of the standard channel. It must not get lost: a listener that asks for certificates of clients lets nobody in without.
    frontendValidation: {
      ...{ type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      description: 'How clients were known before spec.tls.frontend: a listener with it is closed.',
    },
    mode: oneOf(
      'Terminate (the default): the Gateway ends TLS. Passthrough: it goes on to the backend.',
      ['Terminate', 'Passthrough'],
      'Terminate',
    ),
    options: map("Settings of the controller's own.", longValue, { maxProperties: 16 }),
  },
  [],
  [
    rule(
      'certificateRefs or options are required for mode Terminate',
      "self.mode != 'Terminate' || (has(self.certificateRefs) && self.certificateRefs.size() > 0) || (has(self.options) && self.options.size() > 0)",
    ),
  ],
)

const listener = object(
  'Listener is where a Gateway takes traffic.',
  {
    allowedRoutes,
    hostname: hostname(
      'The host that it is for, whole or with a wildcard for its first labels: *.example.com. Missing: all hosts.',
    ),
    name: sectionName('The name of the listener, which is there once in the Gateway.'),
    port: port('The port.'),
    protocol: listenerProtocol('What is spoken: HTTP, HTTPS, TLS, TCP or UDP.'),
    tls,
  },
  ['name', 'port', 'protocol'],
)

const hostnameOf = (of: string): string => `(has(${of}.hostname) ? ${of}.hostname : '')`

export const listeners: Schema = listBy(
  'name',
  'Where it listens. Each listener differs from the others in port, protocol or host.',
  listener,
  { minItems: 1, maxItems: 64 },
  [
    rule(
      'tls is not for the protocols HTTP, TCP and UDP',
      "self.all(l, !(l.protocol in ['HTTP', 'TCP', 'UDP'] && has(l.tls)))",
    ),
    rule(
      'tls.mode must be Terminate for protocol HTTPS',
      "self.all(l, !(l.protocol == 'HTTPS' && has(l.tls)) || l.tls.mode == 'Terminate')",
    ),
    rule('tls is required for protocol TLS', "self.all(l, l.protocol != 'TLS' || has(l.tls))"),
    rule(
      'hostname is not for the protocols TCP and UDP',
      "self.all(l, !(l.protocol in ['TCP', 'UDP'] && has(l.hostname)))",
    ),
    rule('each listener must have a name of its own', 'self.all(a, self.exists_one(b, a.name == b.name))'),
    rule(
      'no two listeners can have the same port, protocol and hostname',
      `self.all(a, self.exists_one(b, a.port == b.port && a.protocol == b.protocol && ${hostnameOf('a')} == ${hostnameOf('b')}))`,
    ),
  ],
)

const state = object(
  'ListenerStatus is the state of a listener.',
  {
    attachedRoutes: int32('How many routes are attached to it.'),
    conditions: conditions('Aspects of the state, one of each type.'),
    name: sectionName('The name of the listener.'),
    supportedKinds: atomicList('The kinds of routes that can be attached to it.', routeKind, { maxItems: 8 }),
  },
  ['attachedRoutes', 'conditions', 'name'],
)

export const listenerStates: Schema = listBy('name', 'The state of each listener.', state, { maxItems: 64 })
