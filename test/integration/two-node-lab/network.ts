/** The pod network as people meet it: policies by kubectl, wanted addresses, limits, full nodes, and what tells of them. */
import type { Test } from 'tap'
import { linkName } from '../../../src/overlay/pod-links.ts'
import { until } from '../../support/until.ts'
import { podway, runner } from '../support/lab.ts'
import { apply, kubeconfig, kubectl, kubectlJson, run } from './lab.ts'

interface PodObject {
  readonly metadata: { readonly name: string; readonly uid: string }
  readonly spec: { readonly nodeName: string }
  readonly status: { readonly podIP?: string }
}
const podsOf = async (app: string): Promise<readonly PodObject[]> =>
  (await kubectlJson<{ readonly items: readonly PodObject[] }>('get', 'pods', '-l', `app=${app}`)).items

const pod = (name: string, annotations: object, nodeName = 'node1') => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, annotations, labels: { app: name } },
  spec: { nodeName, containers: [{ name: 'main', image: 'podway/echo' }] },
})

const policy = (name: string, spec: object) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name },
  spec,
})

/** Whether a pod reaches an address. */
const reaches = async ({ metadata, spec }: PodObject, address: string, port = 8080): Promise<boolean> =>
  run(
    ...['lab', 'exec', spec.nodeName, '--pod', metadata.name, '--'],
    ...['curl', '-s', '-o', '/dev/null', '-m', '2', `http://${address}:${port}/`],
  ).then(
    () => true,
    () => false,
  )

export const network = async (t: Test): Promise<void> => {
  await kubectl('scale', 'deployment/web', '--replicas=2')
  await kubectl('create', 'deployment', 'other', '--image=podway/echo')
  for (const name of ['web', 'other']) await kubectl('rollout', 'status', `deployment/${name}`, '--timeout=60s')
  await until(async () => (await podsOf('web')).length === 2, 'two pods', 30_000)
  const [web] = await podsOf('web')
  const [other] = await podsOf('other')
  if (!web || !other) throw new Error('no pods')
  const webIP = web.status.podIP ?? ''

  await t.test('a policy, by kubectl', async (t) => {
    t.ok(await reaches(other, webIP))
    await apply(
      policy('web', {
        ...{ podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Ingress'] },
        ingress: [{ from: [{ podSelector: { matchLabels: { friend: 'yes' } } }], ports: [{ port: 8080 }] }],
      }),
    )
    t.match(await kubectl('get', 'netpol'), /POD-SELECTOR[\s\S]*web +app=web/)
    await until(async () => !(await reaches(other, webIP)), 'the policy')
    t.match(
      await run('policy', 'explain', other.metadata.name, `${web.metadata.name}:8080`),
      /denied[\s\S]*ingress of .*: denied, none of these allows it: default\/web/,
    )
    const { spec } = web
    await until(
      async () =>
        /podway_network_policy_packets_total\{namespace="default",policy="web",direction="ingress",verdict="dropped"\} [1-9]/.test(
          await run('lab', 'exec', spec.nodeName, '--', 'curl', '-s', 'http://127.0.0.1:10249/metrics'),
        ),
      'the count of what was dropped',
    )
    await kubectl('label', 'pod', other.metadata.name, 'friend=yes')
    await until(() => reaches(other, webIP), 'the label to count')
    const text = await run('policy', 'explain', other.metadata.name, `${web.metadata.name}:8080`, '-o', 'json')
    t.match(JSON.parse(text), { isAllowed: true, directions: [{}, { rules: ['default/web spec.ingress[0]'] }] })
    await t.rejects(
      apply(policy('wrong', { podSelector: {}, ingress: [{ ports: [{ port: 80, endPort: 70 }] }] })),
      /endPort: Invalid value: 70: must be greater than or equal to `port`/,
    )
    await kubectl('delete', 'netpol', 'web')
    await kubectl('label', 'pod', other.metadata.name, 'friend-')
    await until(() => reaches(other, webIP), 'the end of the policy')
  })

  await t.test('addresses that are asked for, and limits', async (t) => {
    const { spec } = await kubectlJson<{ spec: { podCIDR: string } }>('get', 'node', 'node1')
    const wanted = spec.podCIDR.replace(/0\/24$/, '77')
    await apply(
      pod('fixed', { 'podway.dev/ip': wanted, 'kubernetes.io/egress-bandwidth': '4M' }),
      pod('greedy', { 'podway.dev/ip': '192.0.2.1' }),
      pod('wrong', { 'kubernetes.io/ingress-bandwidth': 'fast' }),
    )
    await kubectl('wait', '--for=condition=Ready', 'pod/fixed', '--timeout=30s')
    const [fixed] = await podsOf('fixed')
    t.equal(fixed?.status.podIP, wanted)
    const qdisc = await run('lab', 'exec', 'node1', '--pod', 'fixed', '--', 'tc', 'qdisc', 'show', 'dev', 'eth0')
    t.match(qdisc, /tbf .*rate 4Mbit/)
    for (const [name, message] of [
      ['greedy', /192\.0\.2\.1 is none of the addresses of this node's pods/],
      ['wrong', /kubernetes\.io\/ingress-bandwidth: fast is no rate/],
    ] as const)
      await until(
        async () => message.test(await kubectl('get', 'events', '--field-selector', `involvedObject.name=${name}`)),
        `the Event of ${name}`,
      )
    t.match(await run('ipam'), new RegExp(`${wanted.replaceAll('.', '\\.')} +default/fixed +node1`))
    const { addresses } = JSON.parse(await run('ipam', '-o', 'json'))
    t.ok(addresses.some(({ owner }: { readonly owner: string }) => owner === 'default/fixed'))
    await kubectl('delete', 'pod', 'fixed', 'greedy', 'wrong', '--grace-period=1')
  })

  await t.test('a container of the host, by the plugin', async (t) => {
    const folders = ['--bin-dir', '/run/cni/bin', '--conf-dir', '/run/cni/net.d']
    await run('lab', 'exec', 'node1', '--', 'podway', 'cni', 'install', ...folders)
    const config = await run('lab', 'exec', 'node1', '--', 'cat', '/run/cni/net.d/10-podway.conflist')
    const { plugins } = JSON.parse(config)
    t.match(plugins, [{ type: 'podway', capabilities: { portMappings: true } }])
    const request = JSON.stringify({ cniVersion: '1.0.0', name: 'podway', type: 'podway' })
    const invoke = (program: string, command: string) =>
      runner.run(
        podway,
        [
          ...['lab', 'exec', 'node1', '--', 'env', `CNI_COMMAND=${command}`, 'CNI_CONTAINERID=box', 'CNI_IFNAME=eth0'],
          ...['CNI_NETNS=/run/netns/box', 'CNI_PATH=/run/cni/bin', ...program.split(' ')],
        ],
        request,
      )
    await run('lab', 'exec', 'node1', '--', 'ip', 'netns', 'add', 'box')
    for (const program of ['/run/cni/bin/podway', 'podway cni']) {
      const { ips } = JSON.parse(await invoke(program, 'ADD'))
      t.match(ips[0].address, /^10\.244\.\d+\.\d+\/32$/, program)
      const [, address = ''] = /^(.*)\/32$/.exec(ips[0].address) ?? []
      await run(
        'lab',
        'exec',
        'node1',
        '--',
        'ip',
        'netns',
        'exec',
        'box',
        'curl',
        '-s',
        '-m',
        '3',
        `http://${webIP}:8080/`,
      )
      t.match(await run('lab', 'exec', 'node1', '--', 'podway', 'ipam', '--leases', await leasesOf('node1')), address)
      await invoke(program, 'DEL')
    }
    await run('lab', 'exec', 'node1', '--', 'podway', 'cni', 'uninstall', ...folders)
  })

  await t.test('doctor', async (t) => {
    t.match(await run('doctor', '--lab'), /node1[\s\S]*ok +ip_forward[\s\S]*node2/)
    const tunnel = (verb: '-I' | '-D') =>
      run(...['lab', 'exec', 'node2', '--', 'iptables-nft', verb], ...'INPUT -p udp --dport 8472 -j DROP'.split(' '))
    await tunnel('-I')
    await t.rejects(run('doctor', '--lab', '-o', 'json'), /exit code 1/)
    await tunnel('-D')
  })

  await t.test('the link of a pod is deleted', async (t) => {
    const { uid } = web.metadata
    const onNode = (...words: readonly string[]) => run('lab', 'exec', web.spec.nodeName, '--', ...words)
    t.match(await onNode('ip', '-brief', 'link'), linkName(uid))
    await onNode('ip', 'link', 'del', linkName(uid))
    await until(() => reaches(other, webIP), 'the pod at its address', 20_000)
    t.match(await onNode('podway', 'doctor'), /ok +pod links/)
  })

  await t.test('a pod sees programs of its node, and nothing else', async (t) => {
    const inPod = (...words: readonly string[]) =>
      run('lab', 'exec', web.spec.nodeName, '--pod', web.metadata.name, '--', ...words)
    t.match(await inPod('sh', '-c', 'ls /usr/bin/env; echo here >/tmp/own; cat /tmp/own'), 'here')
    for (const [name, command] of [
      ['the kubeconfig of the administrator', `cat ${kubeconfig}`],
      ['files of the agent', 'ls /run/podway'],
      ['host keys', 'cat /etc/ssh/*_key'],
      ['passwords', 'cat /etc/shadow'],
      ['other file systems', 'mount -t tmpfs none /mnt'],
      ['what programs are', 'touch /usr/bin/more'],
      ['links', 'ip link set lo down'],
      ['the node', 'nsenter --target 1 --mount true'],
    ] as const)
      await t.rejects(inPod('sh', '-c', command), { name: 'CommandError' }, name)
  })
  await kubectl('delete', 'deployment', 'other')
  await kubectl('scale', 'deployment/web', '--replicas=3')
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
}

/** Where the agent of a node keeps its book. */
const leasesOf = async (node: string): Promise<string> => {
  const words = await run(
    'lab',
    'exec',
    node,
    '--',
    'sh',
    '-c',
    'tr "\\0" "\\n" </proc/$(cat /run/podway/takeover/network.*.json | tr -dc "0-9," | cut -d, -f1)/cmdline',
  )
  const all = words.split('\n')
  return `${all[all.indexOf('--data') + 1]}/leases.json`
}
