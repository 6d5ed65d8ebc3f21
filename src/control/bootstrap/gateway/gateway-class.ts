import { conditions, pending } from './conditions.ts'
import { reference } from './references.ts'
import { kind, listBy, object, rule, text } from './schema.ts'
import { controllerName } from './texts.ts'

const spec = object(
  'The controller.',
  {
    controllerName: {
      ...controllerName('The name of the controller: example.com/gateway. It cannot be changed.'),
      'x-kubernetes-validations': [rule('controllerName cannot be changed', 'self == oldSelf')],
    },
    description: text('What the class is for, for people.', { maxLength: 64 }),
    parametersRef: reference(
      'An object with settings for the controller.',
      'The namespace of the object, if its kind has them.',
    ),
  },
  ['controllerName'],
)

const atFirst = pending('Accepted')

const status = {
  ...object('Whether the controller has accepted the class.', {
    conditions: conditions('Aspects of the state, one of each type.', { default: atFirst }),
    supportedFeatures: listBy(
      'name',
      'What the controller can do.',
      object('SupportedFeature is something that a controller can do.', { name: text('The name of the feature.') }, [
        'name',
      ]),
      { maxItems: 64 },
    ),
  }),
  default: { conditions: atFirst },
}

export const gatewayClassSchema = kind(
  'GatewayClass names a controller that serves Gateways. It is of the whole cluster.',
  spec,
  status,
)
