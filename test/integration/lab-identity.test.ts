/** What a node's credentials and join tokens are good for, tried from the machines of a lab. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../support/until.ts'
import { createLabHome, runner } from './support/lab.ts'

t.setTimeout(300_000)
const { home, kubeconfig, run, kubectl, kubectlJson, apply } = await createLabHome()

const on = (host: string, ...words: readonly string[]): Promise<string> => run('lab', 'exec', host, '--', ...words)
const outcome = (promise: Promise<string>): Promise<string> =>
  promise.then(
    (said) => `done: ${said}`,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
/** kubectl with what is on the disk of node1. */
const asNode1 = (...args: readonly string[]): Promise<string> =>
  outcome(on('node1', 'kubectl', '--kubeconfig', '/var/lib/podway/node1.kubeconfig', ...args))

/** GETs `path` of the agent on node2, from a host of the lab; with a certificate, or without any. */
const getFromAgent = (path: string, credentials: string): Promise<string> => {
  const script = `
    const { readFileSync } = require('fs')
    const { request } = require('https')
    const read = (file) => JSON.parse(readFileSync(file, 'utf8'))
    const decode = (text) => Buffer.from(text, 'base64')
    const of = ({ users: [{ user }] }) => ({ cert: decode(user['client-certificate-data']), key: decode(user['client-key-data']) })
    const credentials = ${credentials}
    const asked = request({ host: '172.30.0.12', port: 10250, path: ${JSON.stringify(path)}, rejectUnauthorized: false, ...credentials })
    asked.on('response', (answer) => { console.log('status ' + answer.statusCode); process.exit() })
    asked.on('error', (error) => { console.log('error ' + error.code); process.exit() })
    asked.end()`
  return on('node1', 'node', '-e', script)
}

t.test('a lab of two nodes', async (t) => {
  t.teardown(() => run('lab', 'down').catch(() => undefined))
  await run('lab', 'up', '--nodes', '2')
  await apply(
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'used' }, stringData: { a: 'b' } },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'unused' }, stringData: { a: 'b' } },
    ...['node1', 'node2'].map((node) => ({
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: `on-${node}` } },
      spec: {
        nodeName: node,
        containers: [
          {
            ...{ name: 'c', image: 'podway/echo' },
            ...(node === 'node1' ? { envFrom: [{ secretRef: { name: 'used' } }] } : {}),
          },
        ],
      },
    })),
  )
  await kubectl('wait', '--for=condition=Ready', 'pod/on-node1', 'pod/on-node2', '--timeout=30s')

  await t.test('no command line shows a token', async (t) => {
    const shown = await runner.run('ps', ['-eo', 'args'])
    t.match(shown, /podway|main\.ts|main\.js/)
    t.notMatch(shown, /podway1\./)
  })

  await t.test("a node's credential reaches no further than the node", async (t) => {
    const forbidden = /Forbidden|forbidden/
    const patch = (node: string, body: object, ...more: readonly string[]) =>
      asNode1('patch', 'node', node, '--type=merge', '-p', JSON.stringify(body), ...more)
    const flannel = (name: string, value: string) => ({
      metadata: { annotations: { [`flannel.alpha.coreos.com/${name}`]: value } },
    })
    const cases: Readonly<Record<string, Promise<string>>> = {
      'all Secrets': asNode1('get', 'secrets', '-A'),
      'Secrets of kube-system': asNode1('get', 'secrets', '-n', 'kube-system'),
      'a Secret that no pod of it uses': asNode1('get', 'secret', 'unused'),
      'all ConfigMaps': asNode1('get', 'configmaps', '-A'),
      'another Node with ranges': outcome(
        on(
          'node1',
          ...['sh', '-c'],
          `echo '${JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'evil' }, spec: { podCIDR: '10.244.2.0/24' } })}' | kubectl --kubeconfig /var/lib/podway/node1.kubeconfig create -f -`,
        ),
      ),
      'the other Node': patch('node2', { metadata: { annotations: { a: 'b' } } }),
      'the address of the other': patch('node1', flannel('public-ip-overwrite', '172.30.0.12')),
      'its podCIDR': patch('node1', { spec: { podCIDR: '10.244.0.0/16', podCIDRs: ['10.244.0.0/16'] } }),
      'a role': patch('node1', { metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } }),
      taints: patch('node1', { spec: { taints: [{ key: 'a', effect: 'NoExecute' }] } }),
      'delete a Node': asNode1('delete', 'node', 'node2', '--wait=false'),
      "delete another node's pod": asNode1('delete', 'pod', 'on-node2', '--wait=false'),
      'logs of another': asNode1('logs', 'on-node2'),
      'create a pod': asNode1('run', 'x', '--image=podway/echo'),
      'approve certificates': asNode1('get', 'csr'),
      Services: asNode1('delete', 'service', 'kubernetes', '--wait=false'),
    }
    for (const [what, said] of Object.entries(cases)) t.match(await said, forbidden, what)
    t.match(await asNode1('get', 'secret', 'used', '-o', 'name'), /done: secret\/used/, 'but what its pod uses')
    t.match(await asNode1('logs', 'on-node1'), /echo listens/, 'and its own pods')
    t.match(await asNode1('get', 'nodes', '-o', 'name'), /node\/node2/)
  })

  await t.test('a Node that claims the range of another one draws no traffic', async (t) => {
    const podOf = async (node: string) =>
      (await kubectl('get', 'pod', `on-${node}`, '-o', 'jsonpath={.status.podIP}')).trim()
    const address = await podOf('node2')
    const range = (await kubectl('get', 'node', 'node2', '-o', 'jsonpath={.spec.podCIDR}')).trim()
    await apply({
      ...{ apiVersion: 'v1', kind: 'Node' },
      metadata: {
        name: 'evil',
        annotations: {
          'flannel.alpha.coreos.com/public-ip': '172.30.0.100',
          'flannel.alpha.coreos.com/backend-data': '{"VNI":1,"VtepMAC":"02:00:00:00:00:66"}',
        },
      },
      spec: { podCIDR: range, podCIDRs: [range] },
    })
    const events = () => kubectl('get', 'events', '--field-selector', 'reason=PeerRejected')
    await until(
      async () => /node\/node1 +no pod traffic to node evil: podCIDR/.test(await events()),
      'it is told',
      20_000,
    )
    const said = await run(
      ...(['lab', 'exec', 'node1', '--pod', 'on-node1', '--'] as const),
      ...['podway', 'fetch', `http://${address}:8080/`, '--timeout', '5'],
    )
    t.match(JSON.parse(said), { pod: 'on-node2' })
    t.match(await on('node1', 'ip', 'route', 'show', range), /^10\.244\./)
    await kubectl('delete', 'node', 'evil', '--wait=false')
  })

  await t.test('the port of an agent is for the control plane', async (t) => {
    for (const path of ['/pods', '/healthz', '/containerLogs/default/on-node2/c', '/metrics', '/'])
      t.match(await getFromAgent(path, '{}'), /^error /, `${path} without a certificate`)
    t.match(await getFromAgent('/pods', "of(read('/var/lib/podway/node1.kubeconfig'))"), /^status 403/, "a node's")
    const admin = JSON.stringify(JSON.parse(await readFile(kubeconfig, 'utf8')))
    t.match(await getFromAgent('/pods', `of(${admin})`), /^status 403/, "an administrator's")
    t.match(
      await getFromAgent('/pods', "read('/var/lib/podway/serving-certificate.json')"),
      /^error /,
      'one that serves',
    )
    t.match(await kubectl('logs', 'on-node2'), /echo listens/, 'which reads logs by it')
  })

  await t.test('tokens are made, listed and revoked', async (t) => {
    t.match(await run('token', 'list', '--lab', 'lab'), /ID +EXPIRES +DESCRIPTION[\s\S]*lab host node1/)
    const made = JSON.parse(await run('token', 'create', '--lab', 'lab', '--ttl', '1h', '-o', 'json'))
    t.match(made, { server: 'https://172.30.0.2:6443', command: /^echo podway1\..* --token-file -$/ })
    const stored = await kubectlJson<{ type: string }>(
      'get',
      'secret',
      `bootstrap-token-${made.id}`,
      '-n',
      'kube-system',
    )
    t.equal(stored.type, 'bootstrap.kubernetes.io/token')
    t.notMatch(await run('token', 'list', '--lab', 'lab', '-o', 'json'), made.joinToken.split('.')[3])
    const file = join(home, 'join-token')
    await writeFile(file, made.joinToken, { mode: 0o600 })
    const joinAs = (name: string, address = '172.30.0.100') =>
      outcome(
        on(
          ...(['client', 'podway', 'join', 'https://172.30.0.2:6443', '--token-file', file] as const),
          ...[
            '--node-name',
            name,
            '--node-ip',
            address,
            '--state',
            `/tmp/${name}/state`,
            '--data',
            `/tmp/${name}/data`,
          ],
        ),
      )
    t.match(await joinAs('kubernetes.default.svc', '172.30.0.2'), /"kubernetes.default.svc" is the control plane's/)
    const second = await joinAs('node1')
    t.match(second, /is in use by another agent \(its lease is held by node1_/)
    t.match(second, /--node-name/, 'and how to mend it')
    t.match(await kubectl('get', 'nodes'), /node1 +Ready/)
    await run('token', 'delete', made.id, '--lab', 'lab')
    t.match(await joinAs('node9'), /join token is not valid, or has expired/)
    t.match(await outcome(run('token', 'delete', made.id, '--lab', 'lab')), /there is no token/)
  })

  await t.test('an agent that is killed goes on at once, and a host with a new boot too', async (t) => {
    const holder = () =>
      kubectl(
        'get',
        'lease',
        'node2',
        '-n',
        'kube-node-lease',
        '-o',
        'jsonpath={.spec.holderIdentity} {.spec.renewTime}',
      )
    const before = await holder()
    await run('lab', 'kill', 'node2', '--agent')
    await run('lab', 'revive', 'node2')
    await until(async () => (await holder()) !== before, 'its lease', 8_000)
    t.equal((await holder()).split(' ')[0], before.split(' ')[0], 'the same agent')
    await run('lab', 'kill', 'node2')
    await run('lab', 'revive', 'node2')
    await until(async () => /node2 +Ready/.test(await kubectl('get', 'nodes')), 'node2', 40_000)
  })
})
