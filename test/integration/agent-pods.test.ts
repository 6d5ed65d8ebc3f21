import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { podLogDir } from '../../src/agent/logs/paths.ts'
import type { StoredContainer } from '../../src/agent/runtime/shared/state.ts'
import { configMaps, pods, secrets, serviceAccounts } from '../../src/api/resources.ts'
import type { ApiRequest } from '../../src/api/transport.ts'
import type { Pod } from '../../src/api/types/index.ts'
import { readMounts } from '../../src/host/mount-table.ts'
import { openClusterApi } from '../support/cluster-api.ts'
import { serveClusterApi } from '../support/cluster-api-server.ts'
import { podFor, questions } from '../support/pod-agent.ts'
import { until } from '../support/until.ts'

t.setTimeout(180_000)

const support = join(import.meta.dirname, '../support')

/** What is mounted here whose place this names. */
const mountedIn = async (folder: string): Promise<readonly string[]> =>
  (await readMounts()).map(({ target }) => target).filter((target) => target.startsWith(folder))

/** A real agent in a process of its own, in front of an API server. */
const setUp = async (t: Test) => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-'))
  const api = await openClusterApi()
  const server = await serveClusterApi(api)
  const children: ChildProcess[] = []
  const start = (...targets: readonly string[]) => {
    const child = spawn(process.execPath, [join(support, 'agent-child.ts'), server.url, folder, ...targets], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    return child
  }
  const kill = async (child: ChildProcess): Promise<void> => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const told = questions(api)
  t.teardown(async () => {
    for (const pod of api.all('pods')) await told.client.delete(pods, pod, { gracePeriodSeconds: 1 })
    await until(() => api.all('pods').length === 0, 'the end of all pods')
    await until(async () => (await mountedIn(folder)).length === 0, 'the end of their volumes')
    for (const child of children) if (child.exitCode === null && child.signalCode === null) await kill(child)
    server.close()
    rmSync(folder, { recursive: true })
  })
  /** The record of a container's latest instance. */
  const stored = (pod: Pod, name = 'main', attempt = 0): StoredContainer => {
    const uid = pod.metadata.uid ?? ''
    const file = join(folder, 'runtime/sandboxes', uid, 'containers', `${uid}_${name}_${attempt}.json`)
    return JSON.parse(readFileSync(file, 'utf8')) as StoredContainer
  }
  const logOf = (pod: Pod, name = 'main', attempt = 0): string => {
    const { namespace = '', name: podName, uid: id = '' } = pod.metadata
    return readFileSync(
      join(podLogDir(join(folder, 'logs'), { namespace, name: podName, id }), name, `${attempt}.log`),
      'utf8',
    )
  }
  return { ...told, api, folder, start, kill, stored, logOf }
}

const fetchText = (url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve(text))
    }).on('error', reject)
  })

/** All processes of the universe. */
const processes = (): readonly { readonly session: number; readonly command: string }[] =>
  readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return []
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const session = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3])
      return [{ session, command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() }]
    } catch {
      // It ended while we looked.
      return []
    }
  })

const echo = { command: [process.execPath, join(support, 'echo-child.ts'), '8080'] }

t.test('a pod with a real program, a real network and a real probe', async (t) => {
  const { start, create, client, get, isReady, events, logOf } = await setUp(t)
  start()
  const readinessProbe = { httpGet: { path: '/readyz', port: 'web' }, periodSeconds: 10 }
  const env = [{ name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }]
  const began = Date.now()
  const pod = await create(
    podFor('web', { ...echo, env, readinessProbe, ports: [{ name: 'web', containerPort: 8080 }] }),
  )
  await until(() => isReady('web'), 'the pod to be ready')
  t.comment(`ready after ${Date.now() - began} ms, the start of the agent included`)
  const ip = get('web')?.status?.podIP ?? ''
  t.match(JSON.parse(await fetchText(`http://${ip}:8080/hello`)), {
    pod: 'web',
    node: 'node-a',
    path: '/hello',
    client: /^10\.99\./,
  })
  t.match(logOf(pod), /echo listens on port 8080/)

  await client.delete(pods, pod)
  await until(() => get('web')?.metadata.deletionTimestamp, 'the beginning of the end')
  t.match(JSON.parse(await fetchText(`http://${ip}:8080/still`)), { path: '/still' }, 'it answers while it ends')
  await until(() => !get('web'), 'the end')
  t.ok(events('web').includes('Killing: Stopping container main'))
})

t.test('a pod reads its token, and who it is', async (t) => {
  const { start, create, client, get, events, logOf } = await setUp(t)
  const account = await client.create(serviceAccounts, { metadata: { name: 'app', namespace: 'default' } })
  start()
  const volume = {
    name: 'access',
    projected: {
      sources: [
        { serviceAccountToken: { path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
      ],
    },
  }
  const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
  const pod = await create(
    podFor(
      'reader',
      {
        command: ['sh', '-c', `cd ${mountPath}; cat namespace; echo; cat ca.crt; echo; cat token; echo`],
        volumeMounts: [{ name: 'access', mountPath }],
      },
      { serviceAccountName: 'app', restartPolicy: 'Never', volumes: [volume] },
    ),
  )
  await until(() => events('reader').some((event) => event.startsWith('FailedMount:')), 'word of what is missing')
  t.match(
    events('reader').join(),
    /MountVolume.SetUp failed for volume "access" : configmap "kube-root-ca.crt" not found/,
  )
  await client.create(configMaps, {
    ...{ metadata: { name: 'kube-root-ca.crt', namespace: 'default' }, data: { 'ca.crt': 'the authority' } },
  })
  await until(() => get('reader')?.status?.phase === 'Succeeded', 'the pod to end')
  const [namespace, authority, token = ''] = logOf(pod).split('\n')
  t.same([namespace, authority], ['default', 'the authority'])
  t.match(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()), {
    'kubernetes.io': {
      pod: { name: 'reader', uid: pod.metadata.uid ?? '' },
      serviceaccount: { name: 'app', uid: account.metadata.uid ?? '' },
    },
  })
})

t.test('volumes of several kinds, and nothing left of them', async (t) => {
  const { start, kill, create, client, get, isReady, folder, logOf } = await setUp(t)
  const host = join(folder, 'host')
  await client.create(secrets, { metadata: { name: 's', namespace: 'default' }, data: { key: 'c2VjcmV0' } })
  const volumes = [
    { name: 'shared', emptyDir: {} },
    { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
    { name: 'host', hostPath: { path: host, type: 'DirectoryOrCreate' } },
    { name: 'secret', secret: { secretName: 's' } },
  ]
  const mounts = volumes.map(({ name }) => ({ name, mountPath: `/volumes/${name}`, readOnly: name === 'secret' }))
  const part = { name: 'host', mountPath: '/part', subPath: 'deep/er' }
  const write = [
    'cd /volumes; echo "from init" >shared/f; echo x >host/top; echo y >/part/inner; cat secret/key; echo',
    'echo z >secret/key || echo read-only; head -c 2000000 /dev/zero >memory/f || echo full',
  ].join('; ')
  const first = start()
  const pod = await create(
    podFor(
      'volumes',
      {
        command: ['sh', '-c', 'cat /volumes/shared/f; stat -f -c %T /volumes/memory; exec sleep 3600'],
        volumeMounts: mounts,
      },
      {
        volumes,
        initContainers: [{ name: 'init', image: 'any', command: ['sh', '-c', write], volumeMounts: [...mounts, part] }],
      },
    ),
  )
  await until(() => isReady('volumes'), 'the pod to be ready')
  t.match(logOf(pod, 'init'), /^secret\n/)
  t.match(logOf(pod, 'init'), /read-only\n/)
  t.match(logOf(pod, 'init'), /full\n/)
  await until(() => logOf(pod).endsWith('tmpfs\n'), 'what the container says')
  t.equal(logOf(pod), 'from init\ntmpfs\n')
  t.equal(readFileSync(join(host, 'top'), 'utf8'), 'x\n')
  t.equal(readFileSync(join(host, 'deep/er/inner'), 'utf8'), 'y\n')
  t.ok((await mountedIn(folder)).length >= 2, 'memory, and a part')

  await kill(first)
  start()
  await client.delete(pods, pod, { gracePeriodSeconds: 1 })
  await until(() => !get('volumes'), 'the end')
  t.same(await mountedIn(folder), [])
  t.same(readdirSync(join(folder, 'volumes')), [])
  t.same(readdirSync(join(folder, 'state/files')), [])
  t.same(readdirSync(host).sort(), ['deep', 'top'], "what is the node's stays")
})

t.test('kill -9 and a new agent: nothing is restarted, nothing is missed', async (t) => {
  const { api, start, kill, create, main, isReady, stored, logOf } = await setUp(t)
  const first = start()
  const stays = await create(
    podFor('stays', { ...echo, readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 } }),
  )
  const ends = await create(
    podFor('ends', { command: ['sh', '-c', 'echo working; sleep 3600 & wait $!; exit 0'] }, { restartPolicy: 'Never' }),
  )
  const crashes = await create(podFor('crashes', { command: ['sleep', '3600'] }))
  await until(() => ['stays', 'ends', 'crashes'].every(isReady), 'all pods to be ready')
  const before = stored(stays)
  await kill(first)

  const statuses: string[] = []
  api.interfere(({ method, path, body }: ApiRequest) => {
    if (method === 'PUT' && path.endsWith('/pods/stays/status'))
      statuses.push((body as Pod).status?.conditions?.find(({ type }) => type === 'Ready')?.status ?? '')
  })
  // Their commands end while no agent is there to see it: one by a signal its shim passes on, one together with its shim.
  process.kill(stored(ends).process.pid, 'SIGTERM')
  process.kill(-stored(crashes).process.pid, 'SIGKILL')
  await until(() => readdirSync(join(before.logFile, '../..')).length > 0, 'the logs')

  start()
  await until(() => main('ends')?.state?.terminated, 'the news of the one that ended')
  t.match(main('ends')?.state?.terminated, { exitCode: 143, reason: 'Error' })
  await until(() => main('crashes')?.restartCount === 1 && isReady('crashes'), 'the restart of the one that crashed')
  t.match(main('crashes')?.lastState?.terminated, { exitCode: 137 })
  t.same(stored(stays), before, 'the same process')
  t.match(main('stays'), { restartCount: 0, ready: true })
  t.notOk(statuses.includes('False'), 'it was never unready')
  t.equal(logOf(ends), 'working\n')
})

t.test('logs are forwarded over the end of agents and of pods, and to each target by itself', async (t) => {
  const { folder, start, kill, create, client, phase } = await setUp(t)
  const forwarded = join(folder, 'forwarded.json')
  // Nothing listens there.
  const targets = [`file://${forwarded}`, 'http://127.0.0.1:1/ingest'] as const
  const counting = 'i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo "line $i"; [ $((i % 20)) = 0 ] && sleep 0.02; done'
  const first = start(...targets)
  const pod = await create(
    podFor('talker', { command: ['sh', '-c', `${counting}; printf '{"log":"last"}'`] }, { restartPolicy: 'Never' }),
  )
  const read = (): readonly { readonly log: string; readonly pod: string; readonly labels: object }[] =>
    existsSync(forwarded)
      ? readFileSync(forwarded, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line))
      : []
  await until(() => read().length > 100, 'the first lines', 30_000)
  await kill(first)
  start(...targets)
  await until(() => phase('talker') === 'Succeeded', 'the end of the pod', 60_000)
  await client.delete(pods, pod, { gracePeriodSeconds: 1 })
  await until(() => read().some(({ log }) => log === '{"log":"last"}'), 'its last words', 30_000)
  const numbers = read().flatMap(({ log }) => (log.startsWith('line ') ? [Number(log.slice(5))] : []))
  t.same(
    [...new Set(numbers)],
    Array.from({ length: 2_000 }, (_, at) => at + 1),
    'all lines, in order',
  )
  t.ok(
    numbers.length < 4_000 && numbers.slice(0, 100).every((number, at) => number === at + 1),
    'a batch twice at most',
  )
  t.match(read()[0], { pod: 'talker', namespace: 'default', uid: pod.metadata.uid, container: 'main', node: 'node-a' })
  const aside = join(folder, 'log-forward/logs', `default_talker_${pod.metadata.uid}`, 'main/0.log')
  await until(() => existsSync(aside), 'the log to be kept for the target that is down', 30_000)
  t.equal(readFileSync(aside, 'utf8').split('\n').length, 2_001)
})

t.test('agents that die again and again while pods are started leave one of each', async (t) => {
  const { start, kill, create, isReady, main, stored, folder } = await setUp(t)
  const names = ['a', 'b', 'c', 'd']
  const all: Pod[] = []
  for (const name of names) all.push(await create(podFor(name)))
  for (let round = 0; round < 8; round++) {
    const agent = start()
    await until(() => readdirSync(folder).includes('runtime'), 'a sign of life')
    // Not to wait for anything, but to die at another point each time.
    await pause(150 + 40 * round)
    await kill(agent)
  }
  start()
  await until(() => names.every(isReady), 'all pods to be ready', 20_000)
  const sandboxes = readdirSync(join(folder, 'runtime/sandboxes'))
  t.same(sandboxes.sort(), all.map(({ metadata }) => metadata.uid ?? '').sort())
  const sleepers = () => processes().filter(({ command }) => command === 'sleep 3600')
  await until(() => sleepers().length >= names.length, 'the commands')
  const shims = all.map((pod, at) => stored(pod, 'main', main(names[at] ?? '')?.restartCount ?? 0).process.pid)
  t.same(
    sleepers()
      .map(({ session }) => session)
      .sort(),
    shims.sort(),
    'each shim has its command, and there are no others',
  )
})
