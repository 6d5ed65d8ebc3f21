import { atomicList, kind, object } from './schema.ts'
import { group, kindName, namespaceName, objectName } from './texts.ts'

const some = { minItems: 1, maxItems: 16 }

const from = object(
  'ReferenceGrantFrom is who may refer.',
  {
    group: group('The group of those who refer. Empty: the core group.'),
    kind: kindName('The kind of those who refer.'),
    namespace: namespaceName('The namespace of those who refer.'),
  },
  ['group', 'kind', 'namespace'],
)

const to = object(
  'ReferenceGrantTo is what may be referred to.',
  {
    group: group('The group of the objects. Empty: the core group.'),
    kind: kindName('The kind of the objects.'),
    name: objectName('The name of the object. Missing: all of the kind.'),
  },
  ['group', 'kind'],
)

export const referenceGrantSchema = kind(
  'ReferenceGrant lets objects of other namespaces refer to some of its own.',
  object(
    'Who may refer to what.',
    {
      from: atomicList('Who may refer.', from, some),
      to: atomicList('What they may refer to.', to, some),
    },
    ['from', 'to'],
  ),
)
