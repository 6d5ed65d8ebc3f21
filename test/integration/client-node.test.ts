/** What programs do with @kubernetes/client-node, the client library of this language: against a lab of one node. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import {
  ApiException,
  Attach,
  CoreV1Api,
  Cp,
  CustomObjectsApi,
  Exec,
  type Informer,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  Log,
  Metrics,
  makeInformer,
  type ObjectCache,
  PatchStrategy,
  PortForward,
  setHeaderOptions,
  topNodes,
  topPods,
  type V1ConfigMap,
  type V1Status,
  Watch,
} from '@kubernetes/client-node'
import t, { type Test } from 'tap'
import { until } from '../support/until.ts'
import { createLabHome } from './support/lab.ts'

t.setTimeout(300_000)
const { home, kubeconfig, run, kubectl, apply } = await createLabHome()

/** All that comes, as text. */
const collector = () => {
  const stream = new PassThrough()
  const said = { text: '' }
  stream.on('data', (chunk: Buffer) => {
    said.text += chunk.toString()
  })
  return { stream, said }
}

const codeOf = (error: unknown): unknown => (error instanceof ApiException ? error.code : error)

const patching = (strategy: string) => setHeaderOptions('Content-Type', strategy)

const widgets = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    ...{ group: 'example.com', scope: 'Namespaced', names: { plural: 'widgets', singular: 'widget', kind: 'Widget' } },
    versions: [
      {
        ...{ name: 'v1', served: true, storage: true, subresources: { status: {} } },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', properties: { size: { type: 'integer', minimum: 1 } } },
              status: { type: 'object', properties: { ready: { type: 'boolean' } } },
            },
          },
        },
      },
    ],
  },
}

const configMap = (
  name: string,
  data: Record<string, string>,
): KubernetesObject & { data: Record<string, string> } => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } },
  data,
})

const testObjects = async (t: Test, config: KubeConfig): Promise<void> => {
  const core = config.makeApiClient(CoreV1Api)

  await t.test('the four kinds of patches', async (t) => {
    const [namespace, name] = ['default', 'patched']
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name }, data: { a: '1', b: '2' } } })
    const patch = async (strategy: string, body: unknown, more: object = {}) =>
      (await core.patchNamespacedConfigMap({ namespace, name, body, ...more }, patching(strategy))).data
    t.same(await patch(PatchStrategy.JsonPatch, [{ op: 'replace', path: '/data/a', value: '3' }]), { a: '3', b: '2' })
    t.same(await patch(PatchStrategy.MergePatch, { data: { b: null } }), { a: '3' })
    t.same(await patch(PatchStrategy.StrategicMergePatch, { data: { c: '4' } }), { a: '3', c: '4' })
    const applied = { apiVersion: 'v1', kind: 'ConfigMap', data: { a: '5' } }
    const conflict = patch(PatchStrategy.ServerSideApply, applied, { fieldManager: 'test' })
    t.equal(await conflict.catch(codeOf), 409)
    t.same(await patch(PatchStrategy.ServerSideApply, applied, { fieldManager: 'test', force: true }), {
      ...{ a: '5', c: '4' },
    })
    t.equal(await core.deleteNamespacedConfigMap({ namespace, name }).then(({ status }) => status), 'Success')
    t.equal(await core.readNamespacedConfigMap({ namespace, name }).catch(codeOf), 404)
  })

  await t.test('lists in pages, and by selectors', async (t) => {
    const names = ['page-a', 'page-b', 'page-c']
    for (const name of names)
      await core.createNamespacedConfigMap({
        ...{ namespace: 'default', body: { metadata: { name, labels: { paged: 'yes' } } } },
      })
    const list = (_continue?: string) =>
      core.listNamespacedConfigMap({
        ...{ namespace: 'default', labelSelector: 'paged in (yes)', limit: 2 },
        ...(_continue === undefined ? {} : { _continue }),
      })
    const first = await list()
    const rest = await list(first.metadata?._continue)
    t.equal(first.metadata?.remainingItemCount, 1)
    t.same(
      [...first.items, ...rest.items].map(({ metadata }) => metadata?.name),
      names,
    )
    await core.deleteCollectionNamespacedConfigMap({ namespace: 'default', labelSelector: 'paged=yes' })
    t.same((await list()).items, [])
  })

  await t.test('objects of any kind', async (t) => {
    const objects = KubernetesObjectApi.makeApiClient(config)
    const { spec, status } = await objects.create({
      ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'any', namespace: 'default' } },
      spec: {
        ...{ replicas: 0, selector: { matchLabels: { app: 'any' } } },
        template: { metadata: { labels: { app: 'any' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    } as KubernetesObject & { spec: { progressDeadlineSeconds?: number }; status?: object })
    t.equal(spec.progressDeadlineSeconds, 600)
    t.ok(status)
    const header = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'any', namespace: 'default' } }
    t.match(await objects.read(header), header)
    t.equal((await objects.list('apps/v1', 'Deployment', 'default')).items.length, 1)
    await objects.delete(header)
    t.equal(await objects.read(header).catch(codeOf), 404)
  })

  await t.test('server-side apply', async (t) => {
    const objects = KubernetesObjectApi.makeApiClient(config)
    const applyAs = (manager: string, data: Record<string, string>, force?: boolean) =>
      objects.patch(
        configMap('applied', data),
        ...[undefined, undefined, manager, force, PatchStrategy.ServerSideApply],
      )
    t.same((await applyAs('one', { a: '1', b: '1' })).data, { a: '1', b: '1' }, 'what is not there is made')
    t.same((await applyAs('two', { c: '2' })).data, { a: '1', b: '1', c: '2' })
    t.equal(await applyAs('two', { a: '2', c: '2' }).catch(codeOf), 409)
    t.same((await applyAs('two', { a: '2', c: '2' }, true)).data, { a: '2', b: '1', c: '2' })
    t.same((await applyAs('one', {})).data, { a: '2', c: '2' }, 'what nobody wants any more is gone')
    await objects.delete(configMap('applied', {}))
  })

  await t.test('objects of kinds that were defined', async (t) => {
    const objects = KubernetesObjectApi.makeApiClient(config)
    const custom = config.makeApiClient(CustomObjectsApi)
    await objects.create(widgets)
    const place = { group: 'example.com', version: 'v1', namespace: 'default', plural: 'widgets' }
    const widget = (size: number) => ({
      ...{ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' }, spec: { size } },
    })
    const made: unknown = await until(
      () => custom.createNamespacedCustomObject({ ...place, body: widget(1) }).catch(() => undefined),
      'the kind',
    )
    t.match(made, { spec: { size: 1 } })
    const one = { ...place, name: 'w' }
    t.equal(await custom.createNamespacedCustomObject({ ...place, body: widget(0) }).catch(codeOf), 422)
    t.match(
      await custom.patchNamespacedCustomObject(
        { ...one, body: { spec: { size: 2 } } },
        patching(PatchStrategy.MergePatch),
      ),
      { spec: { size: 2 }, metadata: { generation: 2 } },
    )
    t.match(
      await custom.patchNamespacedCustomObjectStatus(
        { ...one, body: { status: { ready: true } } },
        patching(PatchStrategy.MergePatch),
      ),
      { status: { ready: true }, metadata: { generation: 2 } },
    )
    t.match(await custom.listNamespacedCustomObject(place), { kind: 'WidgetList', items: [{ spec: { size: 2 } }] })
    t.match(await objects.list('example.com/v1', 'Widget', 'default'), { items: [{ spec: { size: 2 } }] })
    await custom.deleteNamespacedCustomObject(one)
    await objects.delete(widgets)
  })
}

const testUsage = async (t: Test, config: KubeConfig): Promise<void> => {
  await t.test('top', async (t) => {
    const core = config.makeApiClient(CoreV1Api)
    const metrics = new Metrics(config)
    const measured = async () => {
      const { items } = await metrics.getPodMetrics('default')
      return items.length >= 2 ? items : undefined
    }
    const items = await until(() => measured().catch(() => undefined), 'what pods use', 60_000)
    t.match(
      items.map(({ metadata, containers }) => [metadata.name, containers[0]?.name]),
      [
        ['talker', 'main'],
        ['web', 'main'],
      ],
    )
    for (const { containers } of items) t.match(containers[0]?.usage, { cpu: /^\d+n?$/, memory: /^\d+([KMG]i)?$/ })
    const { items: nodes } = await metrics.getNodeMetrics()
    t.match(nodes, [{ metadata: { name: 'node1' }, usage: { cpu: /^\d+n?$/, memory: /^\d+([KMG]i)?$/ } }])
    const tops = await topPods(core, metrics, 'default')
    t.same(tops.map(({ Pod }) => Pod.metadata?.name).sort(), ['talker', 'web'])
    t.ok(tops.every(({ Memory }) => Number(Memory.CurrentUsage) > 0))
    const [node] = await topNodes(core)
    t.equal(node?.Node.metadata?.name, 'node1')
  })
}

type ConfigMaps = Informer<V1ConfigMap> & ObjectCache<V1ConfigMap>

const testWatches = async (t: Test, config: KubeConfig): Promise<void> => {
  const core = config.makeApiClient(CoreV1Api)
  const namespace = 'default'
  const path = `/api/v1/namespaces/${namespace}/configmaps`
  const create = (name: string, labels: Record<string, string> = {}) =>
    core.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels }, data: { a: '1' } } })
  const change = (name: string, body: object) =>
    core.patchNamespacedConfigMap({ namespace, name, body }, patching(PatchStrategy.MergePatch))

  await t.test('an informer', async (t) => {
    await create('seen-1', { seen: 'yes' })
    const told: string[] = []
    const selector = 'seen=yes'
    const informer: ConfigMaps = makeInformer(
      config,
      path,
      () => core.listNamespacedConfigMap({ namespace, labelSelector: selector }),
      selector,
    )
    for (const verb of ['add', 'update', 'delete'] as const)
      informer.on(verb, ({ metadata }) => told.push(`${verb} ${metadata?.name}`))
    await informer.start()
    t.teardown(() => informer.stop())
    await create('seen-2', { seen: 'yes' })
    await create('not-seen')
    await change('seen-2', { data: { a: '2' } })
    await until(() => informer.get('seen-2', namespace)?.data?.['a'] === '2', 'the change')
    await change('seen-1', { metadata: { labels: { seen: 'no' } } })
    await change('not-seen', { metadata: { labels: { seen: 'yes' } } })
    await core.deleteNamespacedConfigMap({ namespace, name: 'seen-2' })
    await until(() => told.length === 6, `six changes: ${told.join(', ')}`)
    t.same(told, ['add seen-1', 'add seen-2', 'update seen-2', 'delete seen-1', 'add not-seen', 'delete seen-2'])
    t.same(
      informer.list().map(({ metadata }) => metadata?.name),
      ['not-seen'],
    )
  })

  await t.test('an informer begins anew after an error, from where it was', async (t) => {
    const told: string[] = []
    let lists = 0
    const informer: ConfigMaps = makeInformer(config, path, () => {
      lists++
      return core.listNamespacedConfigMap({ namespace })
    })
    informer.on('add', ({ metadata }) => told.push(metadata?.name ?? ''))
    const errors: unknown[] = []
    let isWanted = true
    informer.on('error', (error) => {
      errors.push(error)
      if (isWanted) setTimeout(() => void informer.start(), 200)
    })
    await informer.start()
    t.teardown(() => {
      isWanted = false
      return informer.stop()
    })
    await run('lab', 'kill', 'control')
    await run('lab', 'revive', 'control')
    await until(() => create('after-restart').catch(() => undefined), 'the API', 60_000)
    await until(() => told.includes('after-restart'), 'what came while nobody listened', 60_000)
    t.ok(errors.length > 0, 'it was told')
    t.equal(new Set(told).size, told.length, 'nothing is told twice')
    t.ok(lists >= 1)
  })

  await t.test('a watch from too long ago', async (t) => {
    const watch = new Watch(config)
    const types: unknown[] = []
    const ended = new Promise<unknown>((resolve) => {
      const seen = (type: string, object: V1Status) => types.push([type, object.code, object.reason])
      void watch.watch(path, { resourceVersion: '1' }, seen, resolve)
    })
    const error = await ended
    const code = error instanceof Error && 'statusCode' in error ? error.statusCode : types[0]
    t.ok(code === 410 || String(code) === 'ERROR,410,Expired', `${code}`)
  })
}

const testStreams = async (t: Test, config: KubeConfig): Promise<void> => {
  const pod = ['default', 'web', 'main'] as const

  /** To its end. */
  const exec = async (command: readonly string[], stdin: Readable | null = null) => {
    const [out, err] = [collector(), collector()]
    const status = await new Promise<V1Status>((resolve, reject) => {
      new Exec(config).exec(...pod, [...command], out.stream, err.stream, stdin, false, resolve).catch(reject)
    })
    return { status, out: out.said, err: err.said }
  }

  await t.test('exec', async (t) => {
    const failed = await exec(['sh', '-c', 'echo out; echo err >&2; exit 3'])
    await until(() => failed.out.text !== '' && failed.err.text !== '', 'what it said')
    t.match(failed, { out: { text: 'out\n' }, err: { text: 'err\n' }, status: { reason: 'NonZeroExitCode' } })
    t.match(failed.status.details?.causes, [{ reason: 'ExitCode', message: '3' }])
    const counted = await exec(['wc', '-c'], Readable.from([Buffer.alloc(1_000_000)]))
    t.equal(counted.status.status, 'Success')
    await until(() => counted.out.text === '1000000\n', 'the whole of stdin')
  })

  await t.test('attach', async () => {
    const { stream, said } = collector()
    const socket = await new Attach(config).attach('default', 'talker', 'main', stream, null, null, false)
    await until(() => /tick \d+\ntick \d+\n/.test(said.text), 'what comes')
    socket.close()
  })

  await t.test('logs', async (t) => {
    const { stream, said } = collector()
    const log = new Log(config)
    // It ends by its limit: stopped by hand, it leaves an error that nobody can catch.
    await log.log('default', 'talker', 'main', stream, { follow: true, tailLines: 1, limitBytes: 25 })
    await until(() => stream.writableEnded, 'its end')
    t.match(said.text, /^tick \d+\ntick \d+\n/)
    const { stream: last, said: few } = collector()
    await log.log('default', 'talker', 'main', last, { tailLines: 2, timestamps: true })
    await until(() => few.text.split('\n').length >= 3, 'two lines')
    t.match(few.text, /^\d{4}-\d\d-\d\dT\S+Z tick \d+\n\d{4}-\d\d-\d\dT/)
  })

  await t.test('cp', async (t) => {
    const cp = new Cp(config)
    const sent = join(home, 'sent')
    await mkdir(sent)
    await writeFile(join(sent, 'file'), 'there and back\n')
    // Neither waits for its end: what is there is asked for until it is.
    await cp.cpToPod(...pod, sent, '/tmp')
    await until(async () => {
      const { out, status } = await exec(['cat', '/tmp/file'])
      return status.status === 'Success' && (await until(() => out.text, 'its words')) === 'there and back\n'
    }, 'the file')
    await cp.cpFromPod(...pod, 'file', join(home, 'back'), '/tmp')
    const back = await until(() => readFile(join(home, 'back/file'), 'utf8').catch(() => ''), 'the file here')
    t.equal(back, 'there and back\n')
  })

  await t.test('port-forward', async (t) => {
    const { stream, said } = collector()
    const input = new PassThrough()
    const forward = new PortForward(config)
    const socket = await forward.portForward('default', 'web', [8080], stream, null, input)
    input.write('GET /forwarded HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n')
    await until(() => said.text.includes('"path":"/forwarded"'), 'the answer')
    t.match(said.text, /^HTTP\/1\.1 200 /)
    if (typeof socket !== 'function') socket.close()
  })
}

t.test('@kubernetes/client-node', async (t) => {
  t.teardown(() => run('lab', 'down').catch(() => undefined))
  await run('lab', 'up', '--nodes', '1')
  const pod = (name: string, container: object) => ({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name } } },
    spec: { containers: [{ name: 'main', image: 'podway/echo', ...container }] },
  })
  const talk = 'i=0; while :; do i=$((i+1)); echo "tick $i"; sleep 0.2; done'
  const readinessProbe = { tcpSocket: { port: 8080 }, periodSeconds: 1 }
  await apply(pod('web', { readinessProbe }), pod('talker', { command: ['sh', '-c', talk] }))
  await kubectl('wait', '--for=condition=Ready', 'pod/web', 'pod/talker', '--timeout=60s')
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  await testObjects(t, config)
  await testStreams(t, config)
  await testUsage(t, config)
  await testWatches(t, config)
})
