/** exec, attach, cp, port-forward and logs by each kubectl that is found (see ../support/clients.ts). */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { kubectls } from '../support/clients.ts'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/until.ts'
import { createLabHome, runner } from './support/lab.ts'

t.setTimeout(600_000)
const { home, kubeconfig, run, kubectl, apply } = await createLabHome()

const start = (program: string, words: readonly string[]) => {
  const child = spawn(program, ['--kubeconfig', kubeconfig, ...words])
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    said.out += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    said.err += chunk.toString()
  })
  child.stdin.on('error', () => undefined)
  return { child, said }
}

/** A command to its end: what it said, and its code. */
const end = async (program: string, words: readonly string[], input: string | Buffer = '') => {
  const { child, said } = start(program, words)
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  return { code, ...said }
}

/** Waits in the pod for the size of the terminals here. */
const untilSized = 'i=0; while [ "$(stty size)" != "33 77" ] && [ $i -lt 200 ]; do sleep 0.05; i=$((i+1)); done'

/** The same in a terminal of its own. */
const inTerminal = async (
  program: string,
  words: readonly string[],
  { prompt, typed }: { readonly prompt?: RegExp; readonly typed?: string } = {},
): Promise<{ out: string; code: unknown }> => {
  const command = [program, '--kubeconfig', kubeconfig, ...words].map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['-qec', `stty rows 33 columns 77; ${command}`, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  const ended = once(child, 'close')
  if (prompt) {
    await Promise.race([until(() => prompt.test(out), `${prompt}`, 30_000), ended])
    child.stdin.write(typed ?? '')
  }
  const [code] = await ended
  return { out, code }
}

const tryAll = async (t: Test, program: string): Promise<void> => {
  await t.test('exec', async (t) => {
    t.same(await end(program, ['exec', 'web', '--', 'sh', '-c', 'echo out; echo err >&2; echo "$FOO"; exit 3']), {
      ...{ code: 3, out: 'out\nbar\n', err: 'err\ncommand terminated with exit code 3\n' },
    })
    t.match(await end(program, ['exec', 'web', '--', 'hostname']), { code: 0, out: 'web\n' })
    const bytes = randomBytes(3_000_000)
    const counted = await end(program, ['exec', '-i', 'web', '--', 'wc', '-c'], bytes)
    t.match(counted, { code: 0, out: '3000000\n' }, 'to the end of stdin')
    t.match(await end(program, ['exec', 'web', '--', 'head', '-c', '3000000', '/dev/zero']), { code: 0 })
    t.match(await end(program, ['exec', 'web', '--', 'no-such-program']), { code: 127 })
    t.match(await end(program, ['exec', 'web', '-c', 'nobody', '--', 'true']), {
      ...{ code: 1, err: /container nobody is not valid for pod web/ },
    })
    t.match(await end(program, ['exec', 'nobody', '--', 'true']), { code: 1, err: /pods "nobody" not found/ })
  })

  await t.test('exec in a terminal', async (t) => {
    const { out, code } = await inTerminal(program, [
      ...['exec', '-it', 'web', '--', 'sh', '-c'],
      `tty; ${untilSized}; stty size; exit 5`,
    ])
    t.match(out, /\/dev\/pts\/\d+\r\n33 77\r\n/)
    t.equal(code, 5)
  })

  await t.test('a command ends with its user', async () => {
    const { child } = start(program, ['exec', 'web', '--', 'sleep', '47112'])
    const running = async () =>
      /sleep 47112/.test(await kubectl('exec', 'web', '--', 'sh', '-c', 'cat /proc/*/cmdline | tr "\\0" " "'))
    await until(running, 'the command')
    child.kill('SIGKILL')
    await until(async () => !(await running()), 'its end')
  })

  await t.test('cp', async (t) => {
    const bytes = randomBytes(2_000_000)
    writeFileSync(join(home, 'there'), bytes)
    t.match(await end(program, ['cp', join(home, 'there'), 'web:/tmp/file']), { code: 0 })
    t.match(await end(program, ['cp', 'web:/tmp/file', join(home, 'back')]), { code: 0 })
    t.ok(bytes.equals(readFileSync(join(home, 'back'))))
  })

  await t.test('logs', async (t) => {
    t.match(await end(program, ['logs', 'talker', '--tail=1']), { code: 0, out: /^(tick \d+\n){1,5}$/ })
    const { child, said } = start(program, ['logs', '-f', 'talker', '--tail=0'])
    await until(() => /tick \d+\ntick \d+\n/.test(said.out), 'what comes')
    child.kill()
  })

  await t.test('attach', async () => {
    const { child, said } = start(program, ['attach', 'talker'])
    await until(() => /tick \d+\ntick \d+\n/.test(said.out), 'what comes')
    child.kill()
  })

  await t.test('run with a user', async (t) => {
    const name = `run-${randomBytes(3).toString('hex')}`
    const flags = ['--rm', '--image=podway/echo', '--restart=Never', '--command', '--']
    const piped = await end(program, ['run', name, '-i', ...flags, 'sh', '-c', 'sleep 1; cat; exit 6'], 'from here\n')
    t.match(piped, { code: 6, out: /from here\n/ })
    const script = `stty -echo; read -r line; ${untilSized}; echo "got $line of $(stty size)"`
    const typed = inTerminal(program, ['run', `${name}-t`, '-it', ...flags, 'sh', '-c', script], {
      prompt: /command prompt/,
      typed: 'words\r',
    })
    t.match((await typed).out, /got words of 33 77\r\n/)
  })

  await t.test('port-forward', async (t) => {
    const [port, closed] = [await freePort(), await freePort()]
    const { child, said } = start(program, ['port-forward', 'pod/web', `${port}:8080`, `${closed}:9`])
    await until(() => said.out.includes(`[::1]:${closed} `) || said.out.includes(`127.0.0.1:${closed} `), 'its ports')
    const ask = async (path: string): Promise<{ pod?: string; path?: string }> =>
      JSON.parse(await (await fetch(`http://127.0.0.1:${port}${path}`)).text())
    const all = await Promise.all(Array.from({ length: 20 }, (_each, at) => ask(`/${at}`)))
    t.same(
      all.map(({ pod, path }) => [pod, path]),
      all.map((_answer, at) => ['web', `/${at}`]),
    )
    await t.rejects(fetch(`http://127.0.0.1:${closed}/`))
    await until(() => /connect ECONNREFUSED/.test(said.err), 'the reason')
    child.kill()
  })
}

t.test('a lab of one node', async (t) => {
  t.teardown(() => run('lab', 'down').catch(() => undefined))
  await run('lab', 'up', '--nodes', '1')
  const pod = (name: string, container: object) => ({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name } } },
    spec: { containers: [{ name: 'main', image: 'podway/echo', ...container }] },
  })
  const talk = 'i=0; while :; do i=$((i+1)); echo "tick $i"; sleep 0.2; done'
  // Ready is not before it listens: the first test asks it at once.
  const readinessProbe = { tcpSocket: { port: 8080 }, periodSeconds: 1 }
  const web = pod('web', { env: [{ name: 'FOO', value: 'bar' }], readinessProbe })
  await apply(web, pod('talker', { command: ['sh', '-c', talk] }))
  await kubectl('wait', '--for=condition=Ready', 'pod/web', 'pod/talker', '--timeout=60s')

  await t.test('proxies of pods, Services and nodes', async (t) => {
    await kubectl('create', 'service', 'clusterip', 'web', '--tcp=80:8080')
    await kubectl('create', 'service', 'clusterip', 'empty', '--tcp=80')
    const get = (path: string) => kubectl('get', '--raw', `/api/v1/${path}`)
    const refusal = (path: string) => get(path).then(String, String)
    t.match(JSON.parse(await get('namespaces/default/pods/web:8080/proxy/a/b?c=d')), { pod: 'web', path: '/a/b?c=d' })
    await until(() => get('namespaces/default/services/web:80/proxy/').catch(() => ''), 'the endpoints')
    t.match(JSON.parse(await get('namespaces/default/services/web:80/proxy/x')), { pod: 'web', path: '/x' })
    t.match(JSON.parse(await get('nodes/node1/proxy/pods')), { kind: 'PodList' })
    t.equal(await get('nodes/node1:10250/proxy/healthz'), 'ok')
    t.match(await refusal('namespaces/default/services/empty:80/proxy/'), /no endpoints available for service "empty"/)
    t.match(await refusal('namespaces/default/pods/web:9/proxy/'), /error trying to reach service: .*ECONNREFUSED/)
  })

  await t.test('who may only read gets no shell, whichever way it asks', async (t) => {
    await kubectl('create', 'serviceaccount', 'reader')
    const rules = [{ apiGroups: [''], resources: ['*'], verbs: ['get', 'list', 'watch'] }]
    const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: 'reader' } }
    await apply(
      { ...rbac, kind: 'ClusterRole', rules },
      {
        ...{
          ...rbac,
          kind: 'ClusterRoleBinding',
          subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace: 'default' }],
        },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' },
      },
    )
    const request = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} })
    const path = '/api/v1/namespaces/default/serviceaccounts/reader/token'
    const made = await end('kubectl', ['create', '--raw', path, '-f', '-'], request)
    const { token } = JSON.parse(made.out).status
    const config = JSON.parse(await kubectl('config', 'view', '--raw', '-o', 'json'))
    const reader = join(home, 'reader.kubeconfig')
    writeFileSync(
      reader,
      JSON.stringify({
        ...config,
        users: config.users.map(({ name }: { name: string }) => ({ name, user: { token } })),
      }),
    )
    const asReader = (...words: readonly string[]) => end('kubectl', ['--kubeconfig', reader, ...words])
    t.match(await asReader('get', 'pod', 'web', '-o', 'name'), { code: 0, out: 'pod/web\n' })
    t.match(await asReader('logs', 'talker', '--tail=1'), { code: 0 })
    t.match(await asReader('exec', 'web', '--', 'true'), { code: 1, err: /cannot create resource "pods\/exec"/ })
    t.match(await asReader('attach', 'talker'), { code: 1, err: /cannot create resource "pods\/attach"/ })
    t.match(await asReader('port-forward', 'web', '0:8080'), {
      code: 1,
      err: /cannot create resource "pods\/portforward"/,
    })
    t.match(await asReader('get', '--raw', '/api/v1/nodes/node1/proxy/healthz'), { code: 0, out: 'ok' })
    t.match(await asReader('get', '--raw', '/api/v1/nodes/node1/proxy/%65xec/default/web/main?command=true&output=1'), {
      ...{ code: 1, err: /cannot create resource "nodes\/proxy"/ },
    })
    t.match(await asReader('get', '--raw', '/podway/v1/tunnel'), { code: 1, err: /[Ff]orbidden/ })
  })

  await t.test('no node needs an open port', async (t) => {
    const close = ['iptables', '-I', 'INPUT', '-p', 'tcp', '--dport', '10250', '-j', 'REJECT']
    await run('lab', 'exec', 'node1', '--', ...close)
    t.match(await kubectl('exec', 'web', '--', 'hostname'), 'web')
  })

  for (const program of kubectls()) {
    const version = await runner.run(program, ['version', '--client']).catch(() => program)
    await t.test(`kubectl ${/v\d+\.\d+\.\d+/.exec(version)?.[0] ?? program}`, (t) => tryAll(t, program))
  }
})
