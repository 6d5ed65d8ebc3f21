import t from 'tap'
import { createTestApi } from '../../../../support/api-server.ts'
import { causesOf, testKind } from '../../../../support/kind-case.ts'

const long = 'x'.repeat(1025)

t.test(
  'StorageClass',
  testKind({
    kind: 'StorageClass',
    created: [
      [
        { provisioner: 'Example.com/P', allowVolumeExpansion: true, parameters: { 'any key': 'any\nvalue' } },
        {
          provisioner: 'Example.com/P',
          allowVolumeExpansion: true,
          parameters: { 'any key': 'any\nvalue' },
          reclaimPolicy: 'Delete',
          volumeBindingMode: 'Immediate',
        },
      ],
    ],
    refused: [
      [{}, ['provisioner: Required value']],
      [{ provisioner: 'a b' }, [/^provisioner: Invalid value: "a b": name part must consist of/]],
      [
        { provisioner: 'p', reclaimPolicy: 'Recycle', volumeBindingMode: 'Later' },
        [
          'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
          'volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"',
        ],
      ],
      [{ provisioner: 'p', parameters: { '': 'a' } }, ['parameters: Invalid value: "": field can not be empty.']],
      [{ provisioner: 'p', parameters: { a: 'x'.repeat(262_144) } }, [/^parameters: Too long/]],
      [
        {
          provisioner: 'p',
          allowedTopologies: [
            { matchLabelExpressions: [{ key: 'zone', values: ['a', 'a'] }, { key: 'zone' }, { values: ['b'] }] },
          ],
        },
        [
          'allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "a"',
          'allowedTopologies[0].matchLabelExpressions[1].values: Required value',
          /^allowedTopologies\[0\].matchLabelExpressions\[2\].key: Invalid value: ""/,
          'allowedTopologies[0].matchLabelExpressions[1].key: Duplicate value: "zone"',
        ],
      ],
      [
        {
          provisioner: 'p',
          allowedTopologies: [
            { matchLabelExpressions: [{ key: 'zone', values: ['a', 'b'] }] },
            { matchLabelExpressions: [{ key: 'zone', values: ['b', 'a'] }] },
          ],
        },
        ['allowedTopologies[1].matchLabelExpressions: Duplicate value: ""'],
      ],
    ],
    changed: [
      [{ allowVolumeExpansion: true }, []],
      [
        { provisioner: 'other', parameters: { a: 'b' }, reclaimPolicy: 'Retain' },
        [
          'parameters: Forbidden: updates to parameters are forbidden.',
          'provisioner: Forbidden: updates to provisioner are forbidden.',
          'reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.',
        ],
      ],
      [
        { volumeBindingMode: 'WaitForFirstConsumer' },
        ['volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable'],
      ],
    ],
    cells: ['base', 'example.com/p', 'Delete', 'Immediate', false, '0s'],
  }),
)

t.test(
  'CSIDriver',
  testKind({
    kind: 'CSIDriver',
    created: [
      [
        { spec: { attachRequired: false } },
        {
          spec: {
            attachRequired: false,
            podInfoOnMount: false,
            storageCapacity: false,
            requiresRepublish: false,
            fsGroupPolicy: 'ReadWriteOnceWithFSType',
            volumeLifecycleModes: ['Persistent'],
          },
        },
      ],
    ],
    refused: [
      [
        { spec: { fsGroupPolicy: 'Some', volumeLifecycleModes: ['Persistent', 'Odd'] } },
        [
          'spec.fsGroupPolicy: Unsupported value: "Some": supported values: "File", "None", "ReadWriteOnceWithFSType"',
          'spec.volumeLifecycleModes: Unsupported value: "Odd": supported values: "Ephemeral", "Persistent"',
        ],
      ],
      [
        {
          spec: {
            tokenRequests: [
              { audience: 'a', expirationSeconds: 599 },
              { audience: 'a', expirationSeconds: 4_294_967_297 },
            ],
          },
        },
        [
          'spec.tokenRequests[1].audience: Duplicate value: "a"',
          'spec.tokenRequests[0].expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes',
          /expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2\^32 seconds/,
        ],
      ],
    ],
    changed: [
      [{ spec: { podInfoOnMount: true } }, []],
      [
        { spec: { attachRequired: false, fsGroupPolicy: 'None', volumeLifecycleModes: ['Ephemeral'] } },
        [
          'spec.attachedRequired: Invalid value: false: field is immutable',
          'spec.fsGroupPolicy: Invalid value: "None": field is immutable',
          'spec.volumeLifecycleModes: Invalid value: ["Ephemeral"]: field is immutable',
        ],
      ],
    ],
    cells: ['base', true, false, 'Persistent', '0s'],
  }),
)

const driver = { name: 'csi.example.com', nodeID: 'n' }

t.test(
  'CSINode',
  testKind({
    kind: 'CSINode',
    created: [[{}, { spec: { drivers: [] }, status: {} }]],
    refused: [
      [
        { spec: { drivers: [{}, { name: 'a b', nodeID: 'n'.repeat(257) }] } },
        [
          'spec.drivers[0].name: Required value',
          /^spec.drivers\[0\].name: Invalid value: "": a lowercase RFC 1123 subdomain/,
          'spec.drivers[0].nodeID: Required value',
          /^spec.drivers\[1\].name: Invalid value: "a b": a lowercase RFC 1123 subdomain/,
          /^spec.drivers\[1\].nodeID: Invalid value: "n+": must be 256 characters or less$/,
        ],
      ],
      [
        { spec: { drivers: [driver, { ...driver, topologyKeys: ['a', 'a', ''], allocatable: { count: -1 } }] } },
        [
          'spec.drivers[1].allocatable.count: Invalid value: -1: must be greater than or equal to 0',
          'spec.drivers[1]: Duplicate value: "a"',
          'spec.drivers[1]: Required value',
          'spec.drivers[1].name: Duplicate value: "csi.example.com"',
        ],
      ],
    ],
    changed: [
      [{ spec: { drivers: [driver, { name: 'other', nodeID: 'n' }] } }, []],
      [
        { spec: { drivers: [{ ...driver, nodeID: 'm' }] } },
        [/^CSINodeDriver: Invalid value: \{.*"nodeID":"m".*\}: field is immutable$/],
      ],
      [{ spec: { drivers: [] } }, []],
    ],
    cells: ['base', 1, '0s'],
  }),
)

t.test(
  'CSIStorageCapacity',
  testKind({
    kind: 'CSIStorageCapacity',
    created: [
      [
        { storageClassName: 'fast', capacity: '2048Mi', nodeTopology: { matchLabels: { zone: 'a' } } },
        { storageClassName: 'fast', capacity: '2Gi', nodeTopology: { matchLabels: { zone: 'a' } } },
      ],
    ],
    refused: [
      [
        {
          capacity: '-1',
          maximumVolumeSize: '-1Gi',
          nodeTopology: { matchExpressions: [{ key: 'a', operator: 'Is' }] },
        },
        [
          'nodeTopology.matchExpressions[0].operator: Invalid value: "Is": not a valid selector operator',
          /^storageClassName: Invalid value: "": a lowercase RFC 1123 subdomain/,
          'capacity: Invalid value: "-1": must be greater than or equal to 0',
          'maximumVolumeSize: Invalid value: "-1Gi": must be greater than or equal to 0',
        ],
      ],
    ],
    changed: [
      [{ capacity: '3Gi' }, []],
      [{ storageClassName: 'slow' }, ['storageClassName: Invalid value: "slow": field is immutable']],
      [{ nodeTopology: {} }, ['nodeTopology: Invalid value: {}: field is immutable']],
    ],
    cells: ['base', 'fast', '1Gi'],
  }),
)

const attachment = { attacher: 'csi.example.com', nodeName: 'n', source: { persistentVolumeName: 'pv' } }

t.test(
  'VolumeAttachment',
  testKind({
    kind: 'VolumeAttachment',
    created: [
      [
        { spec: attachment, status: { attached: true } },
        { spec: attachment, status: { attached: false } },
      ],
    ],
    refused: [
      [
        {},
        [
          'spec.attacher: Required value',
          /^spec.attacher: Invalid value: "": a lowercase RFC 1123 subdomain/,
          'spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName',
          /^spec.nodeName: Invalid value: "": a lowercase RFC 1123 subdomain/,
        ],
      ],
      [
        { spec: { ...attachment, source: { persistentVolumeName: '' } } },
        [
          'spec.source.persistentVolumeName: Required value: must specify non empty persistentVolumeName',
          /^spec.source.persistentVolumeName: Invalid value: "": a lowercase RFC 1123 subdomain/,
        ],
      ],
      [
        { spec: { ...attachment, source: { persistentVolumeName: 'pv', inlineVolumeSpec: {} } } },
        ['spec.source: Forbidden: must specify exactly one of inlineVolumeSpec and persistentVolumeName'],
      ],
    ],
    changed: [
      [{ status: { attached: true } }, []],
      [{ spec: { nodeName: 'm' } }, [/^spec: Invalid value: \{.*"nodeName":"m".*\}: field is immutable$/]],
    ],
    cells: ['base', 'csi.example.com', 'pv', 'n', false, '0s'],
  }),
)

t.test('the status of a VolumeAttachment is written by its subresource only', async (t) => {
  const api = await createTestApi()
  const path = '/apis/storage.k8s.io/v1/volumeattachments'
  await api.request('POST', path, { body: { metadata: { name: 'a' }, spec: attachment } })
  const patch = (status: object) =>
    api.request('PATCH', `${path}/a/status`, { body: { status }, contentType: 'application/merge-patch+json' })
  t.equal(
    (await patch({ attached: true, attachmentMetadata: { devicePath: '/dev/vdb' } })).body['status']?.['attached'],
    true,
  )
  t.strictSame(causesOf((await patch({ attachError: { message: long } })).body), [
    'status.attachError.message: Too long: may not be more than 1024 bytes',
  ])
})
