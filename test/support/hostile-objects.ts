/**
 * Objects of every kind that rules, routes and commands are made of, and their hostile relatives: for each text field that
 * the kind's schema has (and each number, which a server of another make may send as text), each key and each value of its
 * maps, the sample with an attack in that place. Pure. For whoever has to refuse such objects, and for whoever has to
 * outlive them:
 *
 *   for (const { path, attack, object } of hostileVariants('Pod', hostileSamples.Pod)) …
 */

import { gatewayDefinitions } from '../../src/control/bootstrap/gateway/definitions.ts'
import { definitions } from '../../src/control/registry/registry.ts'
import { schemaTypeOf } from '../../src/control/resources/definition.ts'
import { type FieldType, fieldsOf } from '../../src/control/schema/types.ts'
import { readSchema, type Structural } from '../../src/control/structural/schema.ts'

/** What a text becomes. `kernel` attacks break out of an argument or a line, `odd` ones are only no valid value. */
export const attacks: Readonly<Record<string, (value: string) => string>> = {
  'rules of its own': (value) =>
    `${value}/32 -j RETURN\nCOMMIT\n*filter\n-I INPUT 1 -s 192.0.2.66/32 -j ACCEPT\nCOMMIT\n*nat\n-A POSTROUTING -d 10.0.0.1`,
  'a line more': (value) => `${value}\n-A PREROUTING -j ACCEPT`,
  'a line first': (value) => `\n-A PREROUTING -j ACCEPT\n${value}`,
  'a carriage return': (value) => `${value}\r-j ACCEPT`,
  'an argument more': (value) => `${value} -j ACCEPT`,
  'an argument for an argument': () => '-j ACCEPT',
  'an end of quotes': (value) => `${value}" -j ACCEPT -m comment --comment "`,
  'a single quote': (value) => `${value}'`,
  'a backslash': (value) => `${value}\\`,
  'a NUL': (value) => `${value}\0-j ACCEPT`,
  'a comment sign': (value) => `${value} # ;`,
  'a shell word': (value) => `${value}$(reboot)\`reboot\``,
  'a negation': (value) => `! ${value}`,
  'very long': (value) => `${value}${'a'.repeat(70_000)}`,
  'as long as a comment and more': (value) => `${value}${'a'.repeat(300)}`,
  'other letters': (value) => `${value}äß☃\u{1f600}\u202e`,
  spaces: (value) => `  ${value}\t `,
  empty: () => '',
  'a path': (value) => `../../${value}/../x`,
  'an IPv6 address': () => '::',
  'an IPv6 loopback address': () => '::1',
  'an IPv4 address in an IPv6 one': () => '::ffff:10.0.0.1',
  'an IPv4 address': () => '0.0.0.0',
  'a range': () => '0.0.0.0/0',
  'a range of IPv6': () => '::/0',
  'an address with a zone': () => 'fe80::1%eth0',
  'a number': () => '0x7f000001',
}

/** What breaks out of a line of HTTP, a record of DNS or a pattern, for objects that end there. */
export const messageAttacks: typeof attacks = {
  'a header more': (value) => `${value}\r\nX-Evil: 1`,
  'a header first': (value) => `\r\nX-Evil: 1\r\n${value}`,
  'a message more': (value) => `${value}\r\n\r\nGET /evil HTTP/1.1\r\nHost: evil.lab\r\nX-Evil: 1\r\n\r\n`,
  'letters that become line breaks': (value) => `${value}\u010d\u010aX-Evil: 1`,
  'a colon': (value) => `X-Evil: ${value}`,
  'a field of a cookie': (value) => `${value}; Domain=evil.lab`,
  'a pattern that is none': (value) => `${value}(`,
  'another pattern that is none': (value) => `${value}[z-a]**`,
  'a pattern that takes long': (value) => `${value}(a+)+(x)?\\2$`,
  'a pattern for everything': () => '.*',
  'a large pattern': (value) => `${value}(a{50}){50}`,
  'a star': () => '*',
  'a name of all': () => '*.',
  'a variable': (value) => `${value}$host\${request_uri}$1`,
  'another host': () => '//evil.lab/',
  'another authority': () => 'https://good.lab@evil.lab/',
  'a step up': (value) => `${value}/../..//%2e%2e/`,
  'broken escapes': (value) => `${value}%0d%0aX-Evil:%201%zz%00`,
  'a label that is too long': (value) => `${'a'.repeat(64)}.${value}`,
  'a name that is too long': (value) => `${'abcdefg.'.repeat(40)}${value}`,
  'empty labels': (value) => `..${value}..`,
  'an IDN': () => 'b\u00fccher.example',
  'JSON of its own': (value) => `${value}","host":"192.0.2.66`,
  'a prototype': () => '__proto__',
}

export interface HostileVariant {
  readonly kind: string
  /** `spec.containers[0].ports[0].hostIP`; a key of a map is `metadata.labels{}`. */
  readonly path: string
  /** Its name among `attacks`. */
  readonly attack: string
  readonly object: object
}

type Step = string | number

/** A place in an object of a kind: a value, or the name of a map's entry. */
interface Place {
  readonly steps: readonly Step[]
  readonly isKey: boolean
}

const isRecord = (value: unknown): value is Record<Step, unknown> => typeof value === 'object' && value !== null

const at = (value: unknown, steps: readonly Step[]): unknown =>
  steps.reduce<unknown>((inner, step) => (isRecord(inner) ? inner[step] : undefined), value)

/** Every place of the schema that holds one value; lists at their entries in the sample (or a first one), maps likewise. */
function* placesOf(
  type: FieldType,
  steps: readonly Step[],
  sample: unknown,
  inside: readonly string[],
): Generator<Place> {
  if (type.kind === 'scalar') {
    if (type.scalar !== 'boolean') yield { steps, isKey: false }
  } else if (type.kind === 'list') {
    const there = at(sample, steps)
    const count = Array.isArray(there) ? Math.max(1, there.length) : 1
    for (let entry = 0; entry < count; entry++) yield* placesOf(type.of, [...steps, entry], sample, inside)
  } else if (type.kind === 'map') {
    const there = at(sample, steps)
    const keys = isRecord(there) ? Object.keys(there) : []
    for (const key of keys.length > 0 ? keys : ['example.com/hostile']) {
      yield* placesOf(type.of, [...steps, key], sample, inside)
      yield { steps: [...steps, key], isKey: true }
    }
  } else if (!inside.includes(type.type)) {
    for (const [name, field] of fieldsOf(type.type))
      yield* placesOf(field.type, [...steps, name], sample, [...inside, type.type])
  }
}

const objectMeta: FieldType = { kind: 'object', type: 'meta/v1.ObjectMeta' }

/** The same of a structural schema. */
function* placesOfSchema(schema: Structural, steps: readonly Step[], sample: unknown): Generator<Place> {
  const { type, properties, additional, items } = schema
  const there = at(sample, steps)
  if (items) {
    const count = Array.isArray(there) ? Math.max(1, there.length) : 1
    for (let entry = 0; entry < count; entry++) yield* placesOfSchema(items, [...steps, entry], sample)
  } else if (additional !== undefined && additional !== true) {
    const keys = isRecord(there) ? Object.keys(there) : []
    for (const key of keys.length > 0 ? keys : ['example.com/hostile']) {
      yield* placesOfSchema(additional, [...steps, key], sample)
      yield { steps: [...steps, key], isKey: true }
    }
  } else if (properties.size > 0)
    for (const [name, field] of properties) {
      if (steps.length === 0 && name === 'metadata') yield* placesOf(objectMeta, [name], sample, [])
      else yield* placesOfSchema(field, [...steps, name], sample)
    }
  else if (type !== 'boolean') yield { steps, isKey: false }
}

const placesOfKind = (kind: string, sample: object): Iterable<Place> => {
  const definition = definitions.find((each) => each.kind === kind)
  if (definition) return placesOf({ kind: 'object', type: schemaTypeOf(definition) }, [], sample, [])
  const bundled = gatewayDefinitions().find(({ spec }) => spec.names.kind === kind)
  if (!bundled) throw new Error(`no kind is ${kind}`)
  return placesOfSchema(readSchema(bundled.spec.versions[0]?.schema?.openAPIV3Schema), [], sample)
}

/** A copy of the object with a value at that place; what is missing on the way is made. */
export const withValue = (object: unknown, steps: readonly Step[], value: unknown): unknown => {
  const [step, ...rest] = steps
  if (step === undefined) return value
  if (typeof step === 'number') {
    const list: unknown[] = Array.isArray(object) ? [...object] : []
    list[step] = withValue(list[step], rest, value)
    return list
  }
  const record = isRecord(object) ? object : {}
  return { ...record, [step]: withValue(record[step], rest, value) }
}

const renamed = (object: unknown, steps: readonly Step[], rename: (key: string) => string): unknown => {
  const key = String(steps.at(-1))
  const parent = steps.slice(0, -1)
  const map = at(object, parent)
  const entries = Object.entries(isRecord(map) ? map : { [key]: 'x' })
  return withValue(
    object,
    parent,
    Object.fromEntries(entries.map(([name, value]) => [name === key ? rename(key) : name, value])),
  )
}

const pathOf = ({ steps, isKey }: Place): string =>
  steps
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .slice(1)
    .concat(isKey ? '{}' : '')

/** Each variant differs from the sample in one place; the sample itself is never changed. */
export function* hostileVariants(kind: string, sample: object, tried = attacks): Generator<HostileVariant> {
  for (const place of placesOfKind(kind, sample)) {
    const path = pathOf(place)
    const before = at(sample, place.steps)
    const text = before === undefined ? 'x' : String(before)
    for (const [attack, change] of Object.entries(tried)) {
      const object = place.isKey ? renamed(sample, place.steps, change) : withValue(sample, place.steps, change(text))
      if (isRecord(object)) yield { kind, path, attack, object }
    }
  }
}

const metadata = (name: string, more: object = {}) => ({ name, namespace: 'hostile', uid: `uid-${name}`, ...more })

/** A good object of each kind, with all fields that rules, routes and commands are made of. */
export const hostileSamples = {
  Pod: {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: metadata('web-0', {
      labels: { app: 'web' },
      annotations: {
        'podway.dev/ip': '10.244.1.2',
        'kubernetes.io/ingress-bandwidth': '10M',
        'kubernetes.io/egress-bandwidth': '10M',
      },
    }),
    spec: {
      nodeName: 'here',
      hostNetwork: false,
      containers: [
        {
          name: 'web',
          image: 'web',
          ports: [
            { name: 'http', containerPort: 8080, hostPort: 8081, hostIP: '172.30.0.11', protocol: 'TCP' },
            { name: 'dns', containerPort: 5353, hostPort: 5353, protocol: 'UDP' },
          ],
        },
      ],
      initContainers: [
        {
          ...{ name: 'side', image: 'side', restartPolicy: 'Always' },
          ports: [{ name: 'side', containerPort: 9090, hostPort: 9091, hostIP: '0.0.0.0', protocol: 'TCP' }],
        },
      ],
    },
    status: {
      ...{ phase: 'Running', podIP: '10.244.1.2', hostIP: '172.30.0.11' },
      podIPs: [{ ip: '10.244.1.2' }, { ip: 'fd00:1::2' }],
    },
  },
  Service: {
    ...{ apiVersion: 'v1', kind: 'Service' },
    metadata: metadata('web', {
      labels: { app: 'web' },
      annotations: {
        'podway.dev/load-balancing': 'round-robin',
        'podway.dev/proxy-mode': 'iptables',
        'service.beta.kubernetes.io/load-balancer-source-ranges': '203.0.113.0/24',
      },
    }),
    spec: {
      type: 'LoadBalancer',
      clusterIP: '10.96.0.10',
      clusterIPs: ['10.96.0.10', 'fd00:96::10'],
      ipFamilies: ['IPv4', 'IPv6'],
      ipFamilyPolicy: 'RequireDualStack',
      externalIPs: ['203.0.113.7', '2001:db8::7'],
      loadBalancerSourceRanges: ['203.0.113.0/24', '2001:db8::/64'],
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } },
      internalTrafficPolicy: 'Cluster',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: 32_000,
      selector: { app: 'web' },
      ports: [
        { name: 'http', port: 80, protocol: 'TCP', nodePort: 30_080, targetPort: 'http' },
        { name: 'dns', port: 53, protocol: 'UDP', nodePort: 30_053, targetPort: 5353 },
      ],
    },
    status: { loadBalancer: { ingress: [{ ip: '198.51.100.7', ipMode: 'VIP' }, { ip: '2001:db8:1::7' }] } },
  },
  EndpointSlice: {
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
    metadata: metadata('web-abcde', { labels: { 'kubernetes.io/service-name': 'web' } }),
    addressType: 'IPv4',
    endpoints: [
      {
        ...{ addresses: ['10.244.1.2'], nodeName: 'here', zone: 'z1' },
        conditions: { ready: true, serving: true, terminating: false },
        hints: { forZones: [{ name: 'z1' }], forNodes: [{ name: 'here' }] },
      },
      { ...{ addresses: ['10.244.2.2'], nodeName: 'there' }, conditions: { ready: true } },
    ],
    ports: [
      { name: 'http', port: 8080, protocol: 'TCP' },
      { name: 'dns', port: 5353, protocol: 'UDP' },
    ],
  },
  Endpoints: {
    ...{ apiVersion: 'v1', kind: 'Endpoints' },
    metadata: metadata('web'),
    subsets: [
      {
        addresses: [{ ip: '10.244.1.2', nodeName: 'here', hostname: 'web-0' }],
        notReadyAddresses: [{ ip: '10.244.2.2', nodeName: 'there' }],
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      },
    ],
  },
  NetworkPolicy: {
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
    metadata: metadata('web'),
    spec: {
      podSelector: { matchLabels: { app: 'web' } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        {
          from: [
            { ipBlock: { cidr: '203.0.113.0/24', except: ['203.0.113.64/26'] } },
            {
              namespaceSelector: { matchLabels: { team: 'a' } },
              podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['web', 'db'] }] },
            },
          ],
          ports: [
            { port: 'http', protocol: 'TCP' },
            { port: 5353, endPort: 5360, protocol: 'UDP' },
          ],
        },
      ],
      egress: [{ to: [{ ipBlock: { cidr: '2001:db8::/64' } }], ports: [{ port: 443, protocol: 'TCP' }] }],
    },
  },
  Namespace: {
    ...{ apiVersion: 'v1', kind: 'Namespace' },
    metadata: { name: 'hostile', labels: { 'kubernetes.io/metadata.name': 'hostile', team: 'a' } },
  },
  Node: {
    ...{ apiVersion: 'v1', kind: 'Node' },
    metadata: {
      name: 'there',
      labels: { 'topology.kubernetes.io/zone': 'z1' },
      annotations: {
        'flannel.alpha.coreos.com/backend-data': `{"VNI":1,"VtepMAC":"02:00:00:00:00:02","PublicKey":"${'A'.repeat(43)}="}`,
        'flannel.alpha.coreos.com/backend-type': 'vxlan',
        'flannel.alpha.coreos.com/public-ip': '172.30.0.12',
        'flannel.alpha.coreos.com/public-ip-overwrite': '172.30.0.13',
        'flannel.alpha.coreos.com/public-ipv6': 'fd00:30::12',
      },
    },
    spec: { podCIDR: '10.244.2.0/24', podCIDRs: ['10.244.2.0/24', 'fd00:2::/64'] },
    status: {
      addresses: [
        { type: 'Hostname', address: 'there' },
        { type: 'InternalIP', address: '172.30.0.12' },
        { type: 'InternalIP', address: 'fd00:30::12' },
      ],
    },
  },
} as const
