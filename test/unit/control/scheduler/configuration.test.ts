/** What a KubeSchedulerConfiguration says, and what is wrong with others. */
import t from 'tap'
import { parseConfiguration } from '../../../../src/control/scheduler/config/parse.ts'

const head = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n'
const extender = 'extenders: [{urlPrefix: "http://127.0.0.1:8888/", '

t.test('nothing but its kind', async (t) => {
  t.match(parseConfiguration(head), {
    profiles: [{ schedulerName: 'default-scheduler', percentageOfNodesToScore: 0, plugins: {} }],
    extenders: [],
    backoffMs: { base: 1_000, max: 10_000 },
  })
})

t.test('all of it', async (t) => {
  const text = `${head}
percentageOfNodesToScore: 30
podInitialBackoffSeconds: 2
podMaxBackoffSeconds: 20
profiles:
- schedulerName: default-scheduler
- schedulerName: packed
  percentageOfNodesToScore: 100
  plugins:
    multiPoint: {disabled: [{name: SelectorSpread}]}
    score:
      enabled: [{name: ImageLocality, weight: 5}, {name: Own}]
      disabled: [{name: "*"}]
  pluginConfig: [{name: Own, args: {zones: [a, b]}}]
extenders:
- urlPrefix: https://extender.example.com:8443/scheduler/
  filterVerb: filter
  prioritizeVerb: prioritize
  preemptVerb: preempt
  bindVerb: bind
  weight: 3
  enableHTTPS: true
  tlsConfig: {serverName: other, caData: Y2E=, certFile: /c, keyFile: /k}
  httpTimeout: 1m2.5s
  nodeCacheCapable: true
  managedResources: [{name: example.com/gpu, ignoredByScheduler: true}]
  ignorable: true
`
  const { profiles, extenders, backoffMs } = parseConfiguration(text)
  t.same(backoffMs, { base: 2_000, max: 20_000 })
  t.match(profiles, [
    { schedulerName: 'default-scheduler', percentageOfNodesToScore: 30 },
    {
      ...{ schedulerName: 'packed', percentageOfNodesToScore: 100 },
      plugins: {
        multiPoint: { enabled: [], disabled: ['SelectorSpread'] },
        score: { enabled: [{ name: 'ImageLocality', weight: 5 }, { name: 'Own' }], disabled: ['*'] },
      },
    },
  ])
  t.same(profiles[1]?.args.get('Own'), { zones: ['a', 'b'] })
  t.same(extenders, [
    {
      urlPrefix: 'https://extender.example.com:8443/scheduler',
      ...{ filterVerb: 'filter', prioritizeVerb: 'prioritize', preemptVerb: 'preempt', bindVerb: 'bind', weight: 3 },
      tls: { insecure: false, serverName: 'other', ca: { data: 'ca' }, cert: { file: '/c' }, key: { file: '/k' } },
      ...{ timeoutMs: 62_500, nodeCacheCapable: true, ignorable: true },
      managedResources: [{ name: 'example.com/gpu', ignoredByScheduler: true }],
    },
  ])
})

const wrong: readonly [text: string, message: string][] = [
  ['kind: Policy', 'kind: must be KubeSchedulerConfiguration'],
  ['[]', 'kind: must be KubeSchedulerConfiguration'],
  [head.replace('/v1', '/v2'), 'apiVersion: must be kubescheduler.config.k8s.io/v1'],
  [`${head}leaderElection: {leaderElect: false}`, 'the configuration: unknown field "leaderElection"'],
  [
    `${head}percentageOfNodesToScore: 101`,
    'the configuration.percentageOfNodesToScore: is no whole number from 0 to 100',
  ],
  [
    `${head}podInitialBackoffSeconds: 9\npodMaxBackoffSeconds: 8`,
    'the configuration.podMaxBackoffSeconds: is less than podInitialBackoffSeconds',
  ],
  [`${head}profiles: {}`, 'the configuration.profiles: is no list of objects'],
  [`${head}profiles: [{schedulerName: a}, {schedulerName: a}]`, 'profiles: the schedulerName "a" stands there twice'],
  [`${head}profiles: [{schedulerName: A b}]`, 'profiles[0].schedulerName: "A b" is no name that a pod could ask for'],
  [`${head}profiles: [{plugins: {queueSort: {}}}]`, 'profiles[0].plugins: unknown field "queueSort"'],
  [
    `${head}profiles: [{plugins: {score: {enabled: [{name: A, weight: 0}]}}}]`,
    'profiles[0].plugins.score.enabled[0].weight: is no whole number from 1 to 1000000',
  ],
  [`${head}profiles: [{plugins: {score: {disabled: [{}]}}}]`, 'profiles[0].plugins.score.disabled[0].name: is missing'],
  [
    `${head}profiles: [{pluginConfig: [{name: A, arguments: 1}]}]`,
    'profiles[0].pluginConfig[0]: unknown field "arguments"',
  ],
  [`${head}extenders: [{}]`, 'extenders[0].urlPrefix: "" is no URL of http or https'],
  [
    `${head}extenders: [{urlPrefix: "file:///etc/passwd", filterVerb: f}]`,
    'extenders[0].urlPrefix: "file:///etc/passwd" is no URL of http or https',
  ],
  [
    `${head}extenders: [{urlPrefix: "http://u:p@h", filterVerb: f}]`,
    'extenders[0].urlPrefix: may have a host, a port and a path, and nothing else',
  ],
  [`${head}${extender}}]`, 'extenders[0]: has no verb'],
  [`${head}${extender}filterVerb: "../x"}]`, 'extenders[0].filterVerb: "../x" is no path'],
  [`${head}${extender}filterVerb: "a b"}]`, 'extenders[0].filterVerb: "a b" is no path'],
  [`${head}${extender}prioritizeVerb: p}]`, 'extenders[0].weight: is missing, beside a prioritizeVerb'],
  [`${head}${extender}filterVerb: f, httpTimeout: 5}]`, 'extenders[0].httpTimeout: is not a string'],
  [
    `${head}${extender}filterVerb: f, httpTimeout: 1h}]`,
    'extenders[0].httpTimeout: "1h" is no duration of 1ms to 10m, such as 5s',
  ],
  [
    `${head}${extender}filterVerb: f, enableHTTPS: true}]`,
    'extenders[0]: enableHTTPS and tlsConfig want an urlPrefix of https',
  ],
  [
    `${head}extenders: [{urlPrefix: "https://h", filterVerb: f, tlsConfig: {certFile: /c}}]`,
    'extenders[0].tlsConfig: a certificate and its key belong together',
  ],
  [
    `${head}extenders: [{urlPrefix: "https://h", filterVerb: f, tlsConfig: {caFile: /c, insecure: true}}]`,
    'extenders[0].tlsConfig: a CA is of no use with insecure',
  ],
  [
    `${head}${extender}filterVerb: f, managedResources: [{name: a/b/c}]}]`,
    'extenders[0].managedResources[0].name: "a/b/c" is no name of a resource',
  ],
  [
    `${head}extenders: [{urlPrefix: "http://a", bindVerb: b}, {urlPrefix: "http://b", bindVerb: b}]`,
    'extenders: only one of them may have a bindVerb',
  ],
]

for (const [text, message] of wrong) t.throws(() => parseConfiguration(text), { message }, message)
