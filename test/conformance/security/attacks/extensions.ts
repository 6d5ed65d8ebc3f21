/** What extends the API, and might hold it up. */
import { create, demand } from '../accounts.ts'
import { type Attack, type RawRequest, tolerableMs, worstWait } from '../attacked-lab.ts'

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const registration = '/apis/admissionregistration.k8s.io/v1'

const deep = (levels: number): object =>
  levels === 0 ? { type: 'string' } : { type: 'object', properties: { a: deep(levels - 1) } }

const definition = (kind: string, spec: object): RawRequest => {
  const plural = `${kind.toLowerCase()}s`
  return create(definitions, {
    ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
    metadata: { name: `${plural}.evil.io` },
    spec: {
      ...{ group: 'evil.io', scope: 'Namespaced', names: { kind, plural, singular: kind.toLowerCase() } },
      versions: [
        {
          ...{ name: 'v1', served: true, storage: true },
          schema: { openAPIV3Schema: { type: 'object', properties: { spec: spec } } },
        },
      ],
    },
  })
}

const rule = (text: string): object => ({
  type: 'array',
  items: { type: 'string' },
  'x-kubernetes-validations': [{ rule: text }],
})

/** Refused, or taken and harmless: nobody else waits, and no kind of them holds up a write. */
const bombs: Readonly<Record<string, RawRequest>> = {
  'a pattern that backtracks': definition('Pattern', { type: 'string', pattern: '^(a+)+$' }),
  'a pattern of many repetitions': definition('Repetition', { type: 'string', pattern: '((a{1,500}){1,500}){1,500}' }),
  'a rule of nested loops': definition(
    'Loop',
    rule('self.all(a, self.all(b, self.all(c, self.all(d, a + b + c + d != "x"))))'),
  ),
  'a rule that doubles': definition(
    'Double',
    rule(`"${'x'.repeat(500)}".replace("x", "${'y'.repeat(400)}") != self[0]`),
  ),
  'a long rule': definition('Long', rule(Array(5_000).fill('true').join(' && '))),
  'a deep rule': definition('Nested', rule(`${'('.repeat(5_000)}true${')'.repeat(5_000)}`)),
  'a deep schema': definition('Deep', deep(500)),
  'a schema that refers to itself': definition('Reference', { $ref: '#' }),
}

const nowhere = (kind: string): object => ({
  ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind, metadata: { name: 'evil' } },
  webhooks: [
    {
      ...{ name: 'evil.evil.io', admissionReviewVersions: ['v1'], sideEffects: 'None', failurePolicy: 'Fail' },
      ...{ timeoutSeconds: 1, clientConfig: { url: 'https://127.0.0.1:1/' } },
      rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] }],
    },
  ],
})

export const extensionAttacks: readonly Attack[] = [
  ...Object.entries(bombs).map(
    ([name, request]): Attack => ({
      name,
      run: async (t, lab) => {
        const told = lab.ask(lab.admin, request)
        t.ok((await worstWait(lab, told)) < tolerableMs, 'nobody waits while it is defined')
        const { status } = await told
        t.match(`${status}`, /^(201|400|413|422)$/, `the answer ${status}`)
        if (status !== 201) return
        const { metadata, spec } = JSON.parse(request.body?.toString() ?? '')
        const object = {
          ...{ apiVersion: 'evil.io/v1', kind: spec.names.kind, metadata: { name: 'evil' } },
          spec: JSON.stringify(spec.versions[0].schema).includes('"array"')
            ? Array.from({ length: 200 }, (_, at) => `${'x'.repeat(400)}${at}`)
            : `${'a'.repeat(40_000)}!`,
        }
        const path = `/apis/evil.io/v1/namespaces/default/${spec.names.plural}`
        const made = lab.ask(lab.admin, create(path, object))
        t.ok((await worstWait(lab, made)) < tolerableMs, 'nobody waits while one is checked')
        t.not((await made).status, 0, 'it is answered')
        await demand(lab, { method: 'DELETE', path: `${definitions}/${metadata.name}` })
      },
    }),
  ),
  ...['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'].map(
    (kind): Attack => ({
      name: `a ${kind} about everything, which nobody answers`,
      run: async (t, lab) => {
        const path = `${registration}/${kind.toLowerCase()}s`
        await demand(lab, create(path, nowhere(kind)))
        try {
          const refused = await lab.ask(
            lab.admin,
            create('/api/v1/namespaces/default/configmaps', {
              ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'guarded' } },
            }),
          )
          t.equal(refused.status, 500, 'what it guards is closed')
          t.equal((await lab.ask(lab.admin, { path: '/api/v1/namespaces/default/pods' })).status, 200, 'reads go on')
        } finally {
          const { status } = await lab.ask(lab.admin, { method: 'DELETE', path: `${path}/evil` })
          t.equal(status, 200, 'it can be taken away')
        }
      },
    }),
  ),
  {
    name: 'a server of a group that is nowhere',
    run: async (t, lab) => {
      const services = '/apis/apiregistration.k8s.io/v1/apiservices'
      await demand(
        lab,
        create(services, {
          ...{ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1.nowhere.io' } },
          spec: {
            ...{ group: 'nowhere.io', version: 'v1', groupPriorityMinimum: 100, versionPriority: 1 },
            ...{ insecureSkipTLSVerify: true, service: { name: 'nowhere', namespace: 'default' } },
          },
        }),
      )
      try {
        const asked = Promise.all(['/apis', '/openapi/v2', '/apis/apps/v1'].map((path) => lab.ask(lab.admin, { path })))
        t.ok((await worstWait(lab, asked)) < tolerableMs, 'nobody waits')
        for (const { status } of await asked) t.equal(status, 200)
        t.equal((await lab.ask(lab.admin, { path: '/apis/nowhere.io/v1' })).status, 503, 'what is of it is not there')
      } finally {
        await demand(lab, { method: 'DELETE', path: `${services}/v1.nowhere.io` })
      }
    },
  },
]
