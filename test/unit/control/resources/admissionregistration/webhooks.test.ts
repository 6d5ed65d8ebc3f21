import t from 'tap'
import type { KubeObject } from '../../../../../src/api/types/index.ts'
import { kindNamed, testKind } from '../../../../support/kind-case.ts'

const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }
const webhook = {
  name: 'a.example.com',
  clientConfig: { url: 'https://hooks.example.com/a' },
  rules: [rule],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
}
const withRule = (change: object) => ({ webhooks: [{ ...webhook, rules: [{ ...rule, ...change }] }] })
const withClient = (clientConfig: object) => ({ webhooks: [{ ...webhook, clientConfig }] })

for (const kind of ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'])
  t.test(
    kind,
    testKind({
      kind,
      created: [[{}, {}]],
      refused: [
        [
          { webhooks: [{}] },
          [
            'webhooks[0].name: Required value',
            'webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun',
            'webhooks[0].clientConfig: Required value: exactly one of url or service is required',
            'webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1',
          ],
        ],
        [
          {
            webhooks: [
              { ...webhook, name: 'a.b', sideEffects: 'Some', timeoutSeconds: 31, failurePolicy: 'Retry' },
              { ...webhook, name: 'a.b', admissionReviewVersions: ['v2', 'v2'] },
            ],
          },
          [
            'webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots',
            'webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
            'webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds',
            'webhooks[1].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots',
            'webhooks[1].admissionReviewVersions[1]: Invalid value: "v2": duplicate version',
            'webhooks[1].admissionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1',
            'webhooks[1].name: Duplicate value: "a.b"',
            'webhooks[0].failurePolicy: Unsupported value: "Retry": supported values: "Fail", "Ignore"',
          ],
        ],
        [
          withRule({
            operations: ['*', 'CREATE'],
            apiGroups: [],
            apiVersions: [''],
            resources: ['*', 'pods', 'a/*', 'a/b'],
          }),
          [
            /^webhooks\[0\].rules\[0\].operations: Invalid value: .*if '\*' is present, must not specify other operations$/,
            'webhooks[0].rules[0].apiGroups: Required value',
            'webhooks[0].rules[0].apiVersions[0]: Required value',
            `webhooks[0].rules[0].resources[3]: Invalid value: "a/b": if 'a/*' is present, must not specify a/b`,
            /resources: Invalid value: .*if '\*' is present, must not specify other resources without subresources$/,
          ],
        ],
        [
          withClient({ url: 'http://jane:x@example.com/a?b#c' }),
          [
            /url: Invalid value: "http": 'https' is the only allowed URL scheme/,
            /url: Invalid value: "jane:x": user information is not permitted in the URL$/,
            /url: Invalid value: "c": fragments are not permitted in the URL$/,
            /url: Invalid value: "b": query parameters are not permitted in the URL$/,
          ],
        ],
        [
          withClient({ service: { name: 's', path: 'a/B' } }),
          [
            'webhooks[0].clientConfig.service.namespace: Required value: service namespace is required',
            `webhooks[0].clientConfig.service.path: Invalid value: "a/B": must start with a '/'`,
            /path: Invalid value: "a\/B": segment\[0\] may not be empty$/,
            /path: Invalid value: "a\/B": segment\[1\]: a lowercase RFC 1123 subdomain/,
          ],
        ],
      ],
      changed: [
        [{ metadata: { labels: { a: 'b' } } }, []],
        [{ webhooks: [webhook] }, []],
      ],
      cells: ['base', 0, '0s'],
    }),
  )

t.test('what a webhook is by default', async (t) => {
  const sent = { ...webhook, clientConfig: { service: { name: 's', namespace: 'n' } } }
  const kept = {
    ...{ failurePolicy: 'Fail', matchPolicy: 'Equivalent', timeoutSeconds: 10 },
    ...{ namespaceSelector: {}, objectSelector: {} },
    ...sent,
    clientConfig: { service: { name: 's', namespace: 'n', port: 443 } },
    rules: [{ ...rule, scope: '*' }],
  }
  const object: KubeObject & { readonly webhooks: readonly object[] } = {
    ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind: '', metadata: { name: 'a' } },
    webhooks: [sent],
  }
  const of = (kind: string) => kindNamed(kind).defaults?.(object)
  t.match(of('MutatingWebhookConfiguration'), { webhooks: [{ ...kept, reinvocationPolicy: 'Never' }] })
  t.match(of('ValidatingWebhookConfiguration'), { webhooks: [kept] })
})
