/** Addresses of Gateways. Pure. */
import { atomicList, object, rule, type Schema, text } from './schema.ts'
import { addressType, patterns } from './texts.ts'

/** An IPAddress is one; what values of other types look like is known to whoever serves those. */
const formOfType: Pick<Schema, 'oneOf'> = {
  oneOf: [
    {
      properties: {
        type: { enum: ['IPAddress'] },
        value: { anyOf: [{ format: 'ipv4' }, { format: 'ipv6' }] },
      },
    },
    { properties: { type: { not: { enum: ['IPAddress'] } } } },
  ],
}

const hostnames = rule(
  'the value of a Hostname must be a DNS name, which may begin with *.',
  `self.type != 'Hostname' || !has(self.value) || self.value.matches(r'${patterns.hostname}')`,
)

const distinctValues = (type: string) =>
  rule(
    `no ${type} can be given twice`,
    `self.all(a, a.type != '${type}' || !has(a.value) || self.exists_one(b, b.type == a.type && has(b.value) && b.value == a.value))`,
  )

export const askedAddresses: Schema = atomicList(
  'The addresses that it should have. Missing: the controller chooses.',
  {
    ...object(
      'GatewaySpecAddress is an address that a Gateway should have.',
      {
        type: addressType("IPAddress (the default), Hostname, or a type of the controller's own."),
        value: text('The address. Missing: the controller chooses one of the type.', { maxLength: 253 }),
      },
      [],
      [hostnames],
    ),
    ...formOfType,
  },
  { maxItems: 16 },
  [distinctValues('IPAddress'), distinctValues('Hostname')],
)

export const givenAddresses: Schema = atomicList(
  'The addresses that it has.',
  {
    ...object(
      'GatewayStatusAddress is an address that a Gateway has.',
      {
        type: addressType("IPAddress (the default), Hostname, or a type of the controller's own."),
        value: text('The address.', { minLength: 1, maxLength: 253 }),
      },
      ['value'],
      [hostnames],
    ),
    ...formOfType,
  },
  { maxItems: 16 },
)
