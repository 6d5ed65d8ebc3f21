import t from 'tap'
import { createTestApi } from '../../../../support/api-server.ts'
import { collectionOf, kindNamed, testKind } from '../../../../support/kind-case.ts'
import { validObject } from '../../../../support/valid-objects.ts'

const apiGroup = 'rbac.authorization.k8s.io'
const rule = { apiGroups: ['', 'apps'], resources: ['*', 'pods/log'], verbs: ['*'], resourceNames: ['system:a'] }

t.test(
  'Role',
  testKind({
    kind: 'Role',
    created: [
      [{}, { rules: [] }],
      [{ rules: [rule] }, { rules: [rule] }],
    ],
    refused: [
      [
        { rules: [{}] },
        [
          'rules[0].verbs: Required value: verbs must contain at least one value',
          'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
          'rules[0].resources: Required value: resource rules must supply at least one resource',
        ],
      ],
      [
        { rules: [{ nonResourceURLs: ['/a'], resources: ['pods'], verbs: ['get'] }] },
        [
          'rules[0].nonResourceURLs: Invalid value: ["/a"]: namespaced rules cannot apply to non-resource URLs',
          'rules[0].nonResourceURLs: Invalid value: ["/a"]: rules cannot apply to both regular resources and non-resource URLs',
        ],
      ],
    ],
    changed: [[{ rules: [] }, []]],
    cells: ['base', '2026-01-01T00:00:00Z'],
  }),
)

t.test(
  'ClusterRole',
  testKind({
    kind: 'ClusterRole',
    created: [
      [
        { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } },
        { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] }, rules: [] },
      ],
    ],
    refused: [
      [
        { aggregationRule: {} },
        [
          'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil',
        ],
      ],
      [
        { aggregationRule: { clusterRoleSelectors: [{ matchExpressions: [{ key: 'a', operator: 'In' }] }] } },
        [
          "aggregationRule.clusterRoleSelectors[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
          'aggregationRule.clusterRoleSelectors[0]: Invalid value: {"matchExpressions":[{"key":"a","operator":"In"}]}: invalid label selector.',
        ],
      ],
    ],
    changed: [[{ rules: [rule] }, []]],
    cells: ['base', '2026-01-01T00:00:00Z'],
  }),
)

t.test(
  'RoleBinding',
  testKind({
    kind: 'RoleBinding',
    created: [
      [
        {
          roleRef: { kind: 'ClusterRole', name: 'view' },
          subjects: [
            { kind: 'User', name: 'jane@example.com' },
            { kind: 'Group', name: 'system:authenticated' },
            { kind: 'ServiceAccount', name: 'default' },
          ],
        },
        {
          roleRef: { apiGroup, kind: 'ClusterRole', name: 'view' },
          subjects: [
            { apiGroup, kind: 'User', name: 'jane@example.com' },
            { apiGroup, kind: 'Group', name: 'system:authenticated' },
            { kind: 'ServiceAccount', name: 'default' },
          ],
        },
      ],
    ],
    refused: [
      [
        {},
        [
          'roleRef.kind: Unsupported value: "": supported values: "Role", "ClusterRole"',
          'roleRef.name: Required value',
        ],
      ],
      [
        {
          roleRef: { apiGroup: 'apps', kind: 'Deployment', name: 'a/b' },
          subjects: [
            { kind: 'Node', name: 'n' },
            { kind: 'User' },
            { kind: 'ServiceAccount', name: 'a b', apiGroup },
            { kind: 'Group', name: 'g', apiGroup: 'apps' },
          ],
        },
        [
          `roleRef.apiGroup: Unsupported value: "apps": supported values: "${apiGroup}"`,
          'roleRef.kind: Unsupported value: "Deployment": supported values: "Role", "ClusterRole"',
          `roleRef.name: Invalid value: "a/b": may not contain '/'`,
          'subjects[0].kind: Unsupported value: "Node": supported values: "ServiceAccount", "User", "Group"',
          'subjects[1].name: Required value',
          /^subjects\[2\].name: Invalid value: "a b": a lowercase RFC 1123 subdomain/,
          `subjects[2].apiGroup: Unsupported value: "${apiGroup}": supported values: ""`,
          `subjects[3].apiGroup: Unsupported value: "apps": supported values: "${apiGroup}"`,
        ],
      ],
    ],
    changed: [
      [{ subjects: [] }, []],
      [{ roleRef: { name: 'other' } }, [/^roleRef: Invalid value: .*"name":"other".*: cannot change roleRef$/]],
    ],
    cells: ['base', 'Role/r', '0s', 'jane', '', ''],
  }),
)

t.test(
  'ClusterRoleBinding',
  testKind({
    kind: 'ClusterRoleBinding',
    created: [],
    refused: [
      [
        { roleRef: { kind: 'Role', name: 'r' }, subjects: [{ kind: 'ServiceAccount', name: 'a' }] },
        [
          'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
          'subjects[0].namespace: Required value',
        ],
      ],
    ],
    changed: [
      [{ subjects: [{ kind: 'ServiceAccount', name: 'a', namespace: 'b' }] }, []],
      [{ roleRef: { name: 'other' } }, [/^roleRef: Invalid value: .*"name":"other".*: cannot change roleRef$/]],
    ],
    cells: ['base', 'ClusterRole/system:r', '0s', '', 'g', ''],
  }),
)

t.test('names may hold colons, and nothing that a path would read otherwise', async (t) => {
  for (const kind of ['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding']) {
    const api = await createTestApi()
    const row = kindNamed(kind)
    const path = collectionOf(row)
    const named = (name: string) => api.request('POST', path, { body: validObject(row, name) })
    t.equal((await named('system:controller:node-controller')).code, 201)
    t.equal((await api.request('GET', `${path}/system:controller:node-controller`)).code, 200)
    for (const name of ['a/b', 'a%2fb', '.', '..']) t.equal((await named(name)).code, 422, `${kind} ${name}`)
  }
})
