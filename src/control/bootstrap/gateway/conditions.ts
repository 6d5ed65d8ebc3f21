/** Conditions, as statuses have them. Pure. */
import { integer, listBy, object, oneOf, type Schema, text } from './schema.ts'
import { conditionType } from './texts.ts'

const condition = object(
  'Condition is one aspect of the state of an object.',
  {
    lastTransitionTime: text('When the status changed last.', { format: 'date-time' }),
    message: text('More about it, for people.', { maxLength: 32_768 }),
    observedGeneration: integer('The generation of the object that was looked at.', { format: 'int64', minimum: 0 }),
    reason: text('Why it is so, in one word.', {
      ...{ minLength: 1, maxLength: 1_024, pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$' },
    }),
    status: oneOf('True, False or Unknown.', ['True', 'False', 'Unknown']),
    type: conditionType('What the condition is about.'),
  },
  ['lastTransitionTime', 'message', 'reason', 'status', 'type'],
)

export const conditions = (description: string, facts: Pick<Schema, 'default' | 'minItems'> = {}): Schema =>
  listBy('type', description, condition, { maxItems: 8, ...facts })

/** What a new object says of itself until a controller has looked at it. */
export const pending = (...types: readonly string[]) =>
  types.map((type) => ({
    ...{ type, status: 'Unknown', reason: 'Pending', message: 'Waiting for controller' },
    lastTransitionTime: '1970-01-01T00:00:00Z',
  }))
