import t from 'tap'
import { testKind } from '../../../../support/kind-case.ts'

const toleration = { key: 'a', operator: 'Exists' }

t.test(
  'RuntimeClass',
  testKind({
    kind: 'RuntimeClass',
    created: [
      [
        {
          handler: 'kata',
          overhead: { podFixed: { memory: '2048Mi' } },
          scheduling: { nodeSelector: { kata: 'yes' } },
        },
        { handler: 'kata', overhead: { podFixed: { memory: '2Gi' } }, scheduling: { nodeSelector: { kata: 'yes' } } },
      ],
    ],
    refused: [
      [{}, [/^handler: Invalid value: "": a lowercase RFC 1123 label/]],
      [{ handler: 'a.b' }, [/^handler: Invalid value: "a.b": a lowercase RFC 1123 label/]],
      [
        {
          handler: 'a',
          overhead: { podFixed: { cpu: '-1' } },
          scheduling: { tolerations: [toleration, { ...toleration, value: 'v' }, toleration] },
        },
        [
          'overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
          /^scheduling.tolerations.tolerations\[1\].operator: Invalid value: .*value must be empty when `operator` is/,
          'scheduling.tolerations[2]: Duplicate value: {"key":"a","operator":"Exists"}',
        ],
      ],
    ],
    changed: [
      [{ scheduling: { nodeSelector: { a: 'b' } } }, []],
      [{ handler: 'other' }, ['handler: Invalid value: "other": field is immutable']],
    ],
    cells: ['base', 'runc', '0s'],
  }),
)
