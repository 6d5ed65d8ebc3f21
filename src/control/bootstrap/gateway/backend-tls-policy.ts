import { conditions } from './conditions.ts'
import { distinctSections, localReference, parentReference } from './references.ts'
import { atomicList, fieldOfType, kind, map, object, oneOf, rule } from './schema.ts'
import {
  authoritiesName,
  controllerName,
  group,
  hostname,
  kindName,
  longValue,
  objectName,
  preciseHostname,
  sectionName,
  uri,
} from './texts.ts'

const target = object(
  'A backend, or one of its ports, that the policy is for.',
  {
    group: group('The group of the backend. Empty: the core group.'),
    kind: kindName('The kind of the backend.'),
    name: objectName('The name of the backend.'),
    sectionName: sectionName('The name of the port. Missing: all ports.'),
  },
  ['group', 'kind', 'name'],
)

const alternativeName = object(
  'SubjectAltName is a name that the certificate of a backend may be for.',
  {
    hostname: hostname('A host, whole or with a wildcard for its first label. Only for Hostname.'),
    type: oneOf('Hostname or URI.', ['Hostname', 'URI']),
    uri: uri('A URI with its scheme and host. Only for URI.'),
  },
  ['type'],
  [...fieldOfType('hostname', 'Hostname'), ...fieldOfType('uri', 'URI')],
)

const namesAuthorities = 'has(self.caCertificateRefs) && self.caCertificateRefs.size() > 0'
const trustsKnownOnes = 'has(self.wellKnownCACertificates)'

const validation = object(
  'How the certificates of backends are checked.',
  {
    caCertificateRefs: atomicList(
      'Objects with the authorities that may vouch for backends. Not together with wellKnownCACertificates.',
      localReference('An object with certificates of authorities, mostly a ConfigMap.'),
      { maxItems: 8 },
    ),
    hostname: preciseHostname('The server name that backends are asked for, and that their certificates must be for.'),
    subjectAltNames: atomicList(
      'The names of which the certificates must be for one. Missing: the hostname.',
      alternativeName,
      { maxItems: 5 },
    ),
    wellKnownCACertificates: authoritiesName(
      'The authorities that may vouch for backends, by a name. System: those that the proxy trusts anyway.',
    ),
  },
  ['hostname'],
  [
    rule(
      'caCertificateRefs and wellKnownCACertificates cannot both be given',
      `!(${namesAuthorities} && ${trustsKnownOnes})`,
    ),
    rule(
      'one of caCertificateRefs and wellKnownCACertificates is required',
      `(${namesAuthorities}) || ${trustsKnownOnes}`,
    ),
  ],
)

const ancestor = object(
  'PolicyAncestorStatus is the state of the policy at one Gateway.',
  {
    ancestorRef: parentReference('The Gateway, or whatever else the policy has an effect on.'),
    conditions: conditions('Aspects of the state, one of each type.', { minItems: 1 }),
    controllerName: controllerName('The controller that tells of it.'),
  },
  ['ancestorRef', 'conditions', 'controllerName'],
)

export const backendTlsPolicySchema = kind(
  'BackendTLSPolicy says how Gateways speak TLS to backends.',
  object(
    'Which backends, and how they are known.',
    {
      options: map("Settings of the controller's own.", longValue, { maxProperties: 16 }),
      targetRefs: atomicList(
        'The backends, of the namespace of the policy.',
        target,
        { minItems: 1, maxItems: 16 },
        distinctSections('targetRefs'),
      ),
      validation,
    },
    ['targetRefs', 'validation'],
  ),
  object(
    'Whether Gateways have accepted the policy.',
    { ancestors: atomicList('The state at each Gateway.', ancestor, { maxItems: 16 }) },
    ['ancestors'],
  ),
)
