/**
 * One contract for CNI plugins, kept by the reference plugins (bridge, host-local, portmap) and by Podway's, with its
 * launcher; and what Podway does beyond it.
 */
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { createCommandRunner } from '../../src/host/command.ts'
import { createNetfilter } from '../../src/host/netfilter/netfilter.ts'
import { cleanupOverlay } from '../../src/overlay/overlay.ts'
import { until } from '../support/until.ts'
import { type CniResult, runNetwork, runPlugin } from './support/cni-runtime.ts'
import { cniVersion, resetNamespace, startPodway, startReference, type World } from './support/cni-world.ts'
import { createHost, type Host, ip, peerPort } from './support/hosts.ts'

const runner = createCommandRunner()

/** The node is the universe's own namespace; `out` (172.31.9.2) is somebody else on its network. */
const createOutside = async (t: Test): Promise<Host> => {
  const out = await createHost('out')
  await ip([
    'link add under9 type veth peer name eth0 netns out',
    'address add 172.31.9.1/24 dev under9',
    'link set under9 up',
  ])
  await ip(['address add 172.31.9.2/24 dev eth0', 'link set eth0 up', 'route add default via 172.31.9.1'], out.runner)
  t.teardown(async () => {
    await out.close()
  })
  return out
}

const clean = async (): Promise<void> => cleanupOverlay(runner, [createNetfilter(runner, 'IPv4', 'nft')])

const addressOf = (result: CniResult | undefined): string => result?.ips?.[0]?.address.split('/')[0] ?? ''

/** The first line that a server says to the node itself. */
const lineOf = async (to: { readonly host: string; readonly port: number; readonly localAddress?: string }) => {
  const socket = connect({ ...to, timeout: 2_000 })
  socket.once('timeout', () => socket.destroy(new Error('timeout')))
  for await (const line of createInterface({ input: socket })) {
    socket.destroy()
    return line
  }
  return ''
}

/** A container: a host whose only link is what the plugin makes. */
const createContainer = async (t: Test, name: string) => {
  const host = await createHost(name)
  t.teardown(() => host.close())
  return { host, where: { containerId: `id-${name}`, ifname: 'eth0', netns: `/run/netns/${name}` } }
}

const contract = async (t: Test, start: (subnet: string) => Promise<World>, out: Host): Promise<void> => {
  const { network, close } = await start('10.88.0.0/24')
  const a = await createContainer(t, 'ca')
  const b = await createContainer(t, 'cb')
  const [one = { type: '' }] = network.plugins
  const file = `${network.path}/${one.type}`
  const config = JSON.stringify({ cniVersion, name: network.name, ...one })

  await t.test('VERSION', async (t) => {
    const { result } = await runPlugin(file, { command: 'VERSION' }, JSON.stringify({ cniVersion }))
    for (const each of ['0.3.1', '0.4.0', '1.0.0']) t.ok(result?.supportedVersions?.includes(each), each)
  })

  const added = await runNetwork(network, { command: 'ADD', ...a.where })
  const addedB = await runNetwork(network, { command: 'ADD', ...b.where })

  await t.test('ADD', async (t) => {
    t.same([added.failure, addedB.failure], [undefined, undefined])
    t.match(added.result?.ips?.[0]?.address, /^10\.88\.0\.\d+\//)
    t.equal(added.result?.ips?.[0]?.gateway, '10.88.0.1')
    const inside = added.result?.interfaces?.[added.result.ips?.[0]?.interface ?? -1]
    t.match(inside, { name: 'eth0', sandbox: a.where.netns })
    const shown = await a.host.runner.run('ip', ['address', 'show', 'eth0'])
    t.match(shown, addressOf(added.result))
    t.match(shown, inside?.mac)
    t.match(shown, /state UP/)
    t.not(addressOf(added.result), addressOf(addedB.result))
    t.match((await a.host.call(addressOf(addedB.result), peerPort)).answers[0], /^cb /, 'containers reach each other')
    t.match((await b.host.call('10.88.0.1', 22)).answers[0], 'ECONNREFUSED', 'the node answers')
    t.match((await a.host.call('172.31.9.2', peerPort)).answers[0], /^out /, 'the outside')
  })

  await t.test('a second ADD is an error, and changes nothing', async (t) => {
    const { failure } = await runNetwork(network, { command: 'ADD', ...a.where })
    t.ok(failure)
    t.type(failure?.msg, 'string')
  })

  await t.test('CHECK', async (t) => {
    const c = await createContainer(t, 'cc')
    const { result: prevResult } = await runNetwork(network, { command: 'ADD', ...c.where })
    if (!prevResult) return t.fail('no result')
    t.same((await runNetwork(network, { command: 'CHECK', ...c.where }, { prevResult })).failure, undefined)
    // Somebody may put it back in between.
    await until(async () => {
      await c.host.runner.run('ip', ['address', 'flush', 'dev', 'eth0'])
      return (await runNetwork(network, { command: 'CHECK', ...c.where }, { prevResult })).failure
    }, 'CHECK to find that its address is gone')
    t.same((await runNetwork(network, { command: 'DEL', ...c.where })).failure, undefined)
  })

  await t.test('DEL, again, and without a namespace', async (t) => {
    const c = await createContainer(t, 'cd')
    await runNetwork(network, { command: 'ADD', ...c.where })
    for (const netns of [c.where.netns, c.where.netns, '/run/netns/nowhere', '']) {
      const { failure } = await runNetwork(network, { command: 'DEL', ...c.where, netns })
      t.same(failure, undefined, netns)
    }
    t.notMatch(await c.host.runner.run('ip', ['-brief', 'link']), 'eth0')
    t.same((await runNetwork(network, { command: 'ADD', ...c.where })).failure, undefined, 'and anew')
    t.same((await runNetwork(network, { command: 'DEL', ...c.where })).failure, undefined)
  })

  await t.test('wrong requests', async (t) => {
    const codeOf = async (invocation: object, stdin = config) =>
      (await runPlugin(file, { command: 'ADD', ...a.where, ...invocation }, stdin)).failure?.code
    t.equal(await codeOf({ containerId: undefined }), 4, 'no container')
    t.equal(await codeOf({ ifname: undefined }), 4, 'no interface')
    t.equal(await codeOf({ netns: undefined }), 4, 'no namespace')
    t.ok(await codeOf({ command: 'JUMP' }), 'an unknown command')
    t.ok(await codeOf({ containerId: 'other', netns: '/run/netns/nowhere' }), 'a namespace that is not there')
    t.equal(await codeOf({}, '{'), 6, 'no JSON')
    t.equal(await codeOf({}, JSON.stringify({ ...JSON.parse(config), cniVersion: '9.0.0' })), 1, 'an unknown version')
  })

  await t.test('a wanted address, and a wanted MAC', async (t) => {
    const c = await createContainer(t, 'ce')
    const mac = '0a:58:0a:58:00:63'
    const { result } = await runNetwork(
      network,
      { command: 'ADD', ...c.where },
      { runtimeConfig: { ips: ['10.88.0.99/24'], mac } },
    )
    t.equal(addressOf(result), '10.88.0.99')
    t.match(await c.host.runner.run('ip', ['link', 'show', 'eth0']), mac)
    await runNetwork(network, { command: 'DEL', ...c.where })
  })

  await t.test('host ports', async (t) => {
    const runtimeConfig = {
      portMappings: [
        { hostPort: 9080, containerPort: peerPort, protocol: 'tcp' },
        // As containerd writes them: Go reads names of fields without regard to case.
        { HostPort: 9081, ContainerPort: peerPort, Protocol: 'udp', HostIP: '' },
        { HostPort: 9082, ContainerPort: peerPort, Protocol: 'tcp', HostIP: '127.0.0.1' },
        { HostPort: 9083, ContainerPort: peerPort, Protocol: 'tcp', HostIP: '172.31.9.1' },
      ],
    }
    const c = await createContainer(t, 'cf')
    t.same((await runNetwork(network, { command: 'ADD', ...c.where }, { runtimeConfig })).failure, undefined)
    const answer = async (protocol: 'tcp' | 'udp', port: number) =>
      (await out.call('172.31.9.1', port, { protocol })).answers[0]
    t.match(await answer('tcp', 9080), /^cf /)
    t.match(await answer('udp', 9081), /^cf /)
    t.match(await answer('tcp', 9083), /^cf /, 'at one address')
    t.notMatch(await answer('tcp', 9082), /^cf /, 'at loopback, not from elsewhere')
    t.match(await lineOf({ host: '127.0.0.1', port: 9082 }), /^cf 10\.88\.0\.1$/, 'at loopback')
    t.match(await lineOf({ host: '127.0.0.1', port: 9082, localAddress: '172.31.9.1' }), /^cf 172\.31\.9\.1$/)
    t.match((await a.host.call('172.31.9.1', 9080)).answers[0], /^cf /, 'from another container')
    t.match((await c.host.call('172.31.9.1', 9080)).answers[0], /^cf /, 'from itself')
    await runNetwork(network, { command: 'DEL', ...c.where }, { runtimeConfig })
    t.notMatch(await answer('tcp', 9080), /^cf /)
  })

  for (const { where } of [a, b]) await runNetwork(network, { command: 'DEL', ...where })
  await close()

  await t.test('no address is left, until one comes back', async (t) => {
    const small = await start('10.89.0.0/29')
    const container = await createContainer(t, 'cg')
    const places = Array.from({ length: 6 }, (_, at) => ({
      ...container.where,
      containerId: `many-${at}`,
      ifname: `eth${at}`,
    }))
    for (const place of places.slice(0, 5))
      t.same((await runNetwork(small.network, { command: 'ADD', ...place })).failure, undefined, place.ifname)
    const last = places[5] ?? container.where
    const { failure } = await runNetwork(small.network, { command: 'ADD', ...last })
    t.match(failure?.msg, /address/)
    await runNetwork(small.network, { command: 'DEL', ...last })
    const [first = container.where] = places
    await runNetwork(small.network, { command: 'DEL', ...first })
    t.same((await runNetwork(small.network, { command: 'ADD', ...last })).failure, undefined)
    for (const place of places) await runNetwork(small.network, { command: 'DEL', ...place })
    await small.close()
  })
}

t.teardown(resetNamespace)
const outside = await createOutside(t)

t.test('the reference plugins', { timeout: 90_000 }, (t) => contract(t, startReference, outside))

t.test('podway', { timeout: 120_000 }, async (t) => {
  await contract(t, startPodway, outside)
  await clean()

  await t.test('what only 1.1 has: STATUS and GC', async (t) => {
    const { network, close } = await startPodway('10.88.1.0/24')
    const newer = { ...network, version: '1.1.0' }
    t.same((await runNetwork(newer, { command: 'STATUS' })).failure, undefined)
    const kept = await createContainer(t, 'gk')
    const lost = await createContainer(t, 'gl')
    for (const { where } of [kept, lost]) await runNetwork(newer, { command: 'ADD', ...where })
    const extra = { 'cni.dev/valid-attachments': [{ containerID: 'id-gk', ifname: 'eth0' }] }
    t.same((await runNetwork(newer, { command: 'GC' }, { extra })).failure, undefined)
    t.match(await kept.host.runner.run('ip', ['-brief', 'link']), 'eth0')
    t.notMatch(await lost.host.runner.run('ip', ['-brief', 'link']), 'eth0')
    t.match((await runNetwork(network, { command: 'GC' }, { extra })).failure, { code: 1 }, 'not in 1.0.0')
    await runNetwork(newer, { command: 'DEL', ...kept.where })
    await close()
    t.match((await runNetwork(newer, { command: 'STATUS' })).failure, { code: 50 }, 'no agent')
    t.match((await runNetwork(newer, { command: 'ADD', ...lost.where })).failure, { code: 11 }, 'try again')
    await clean()
  })

  await t.test('CHECK finds damage, and the agent puts it back', async (t) => {
    const { network, close } = await startPodway('10.88.3.0/24')
    const { host, where } = await createContainer(t, 'ck')
    const { result: prevResult } = await runNetwork(network, { command: 'ADD', ...where })
    const check = async () =>
      (await runNetwork(network, { command: 'CHECK', ...where }, { prevResult: prevResult ?? {} })).failure
    const nodeEnd = prevResult?.interfaces?.[1]?.name ?? ''
    for (const [lines, within, found] of [
      [[`link del ${nodeEnd}`], runner, /its link is gone/],
      [['link set eth0 down'], host.runner, /eth0 is down/],
      [['route del default'], host.runner, /the default route by 10\.88\.3\.1 is gone/],
      [['link set eth0 mtu 1280'], host.runner, /eth0 has MTU 1280/],
      [[`link set ${nodeEnd} nomaster`], runner, /no port of podway0/],
    ] as const) {
      const failure = await until(async () => {
        await ip(lines, within).catch(() => undefined)
        // While the agent puts something back, other things may be missing.
        const wrong = await check()
        return found.test(String(wrong?.msg)) && wrong
      }, `CHECK to find ${found}`)
      t.match(failure, { code: 102, msg: found })
      t.ok(await until(async () => !(await check()), `the end of ${found}`, 15_000))
    }
    await runNetwork(network, { command: 'DEL', ...where })
    await close()
    await clean()
  })

  await t.test('a host port belongs to one; bandwidth is limited', async (t) => {
    const { network, close } = await startPodway('10.88.2.0/24')
    const first = await createContainer(t, 'ha')
    const second = await createContainer(t, 'hb')
    const runtimeConfig = {
      portMappings: [{ hostPort: 9090, containerPort: peerPort, protocol: 'tcp' }],
      bandwidth: { IngressRate: 8_000_000, IngressBurst: 2 ** 32 - 1, EgressRate: 4_000_000, EgressBurst: 2 ** 32 - 1 },
    }
    t.same((await runNetwork(network, { command: 'ADD', ...first.where }, { runtimeConfig })).failure, undefined)
    t.match(await first.host.runner.run('tc', ['qdisc', 'show', 'dev', 'eth0']), /tbf .*rate 4Mbit/)
    t.match(await runner.run('tc', ['qdisc', 'show']), /tbf .*rate 8Mbit/)
    const { failure } = await runNetwork(network, { command: 'ADD', ...second.where }, { runtimeConfig })
    t.match(failure, { code: 101, msg: /9090.TCP is taken by cni.podway.id-ha/ })
    const wish = { runtimeConfig: { dns: { Servers: ['192.0.2.1'] } } }
    const refused = await runNetwork(network, { command: 'ADD', ...second.where }, wish)
    t.match(refused.failure, { code: 2, msg: /runtimeConfig\.dns.*192\.0\.2\.1/ }, 'a wish that nobody understands')
    t.same((await runNetwork(network, { command: 'DEL', ...second.where }, wish)).failure, undefined)
    t.same((await runNetwork(network, { command: 'ADD', ...second.where })).failure, undefined, 'nothing is left of it')
    const third = { containerId: 'id-hc', ifname: 'eth0', netns: '/run/netns/hc' }
    await runner.run('ip', ['netns', 'add', 'hc'])
    const { result } = await runNetwork(network, { command: 'ADD', ...third })
    const [freed = ''] = result?.ips?.map(({ address }) => address.split('/')[0] ?? '') ?? []
    await close()

    // Another agent takes up what there is: one container lost its link meanwhile, one is gone.
    await second.host.runner.run('ip', ['link', 'del', 'eth0'])
    await runner.run('ip', ['netns', 'del', 'hc'])
    const again = await startPodway('10.88.2.0/24')
    await until(
      async () => /^ha /.test((await outside.call('172.31.9.1', 9090)).answers[0] ?? ''),
      'the host port after a restart',
    )
    await until(async () => (await second.host.runner.run('ip', ['address'])).includes('10.88.2.'), 'the link')
    const { where: fourth } = await createContainer(t, 'hd')
    const added = await until(async () => {
      const answer = await runNetwork(network, { command: 'ADD', ...fourth }, { runtimeConfig: { ips: [freed] } })
      return !answer.failure && answer
    }, 'the address of the one that is gone')
    t.match(added.result?.ips?.[0]?.address, freed)
    for (const where of [first.where, second.where, fourth]) await runNetwork(network, { command: 'DEL', ...where })
    await again.close()
    await clean()
  })
})
