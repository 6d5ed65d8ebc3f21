/** A pod network for tests in a universe: one veth pair for each pod, addresses 10.99.N.2, and no way to anywhere else. */
import type { PodNetwork } from '../../src/agent/pods/pod-network.ts'
import type { CommandRunner } from '../../src/host/command.ts'

/** Keeps what it knows in the names and addresses of the links, so a second one over the same kernel goes on. */
export const createVethNetwork = (runner: CommandRunner): PodNetwork => {
  /** Number of a pod by the alias of its link. */
  const links = async (): Promise<ReadonlyMap<string, number>> => {
    const text = await runner.run('ip', ['-json', 'link', 'show', 'type', 'veth'])
    const list = JSON.parse(text || '[]') as readonly { ifname?: string; ifalias?: string }[]
    return new Map(
      list.flatMap(({ ifname = '', ifalias = '' }) =>
        ifalias === '' ? [] : [[ifalias, Number(ifname.slice(2))] as const],
      ),
    )
  }
  const detach = async (id: string): Promise<void> => {
    const number = (await links()).get(id)
    if (number === undefined) return
    await runner.run('ip', ['link', 'del', `pw${number}`]).catch(async (error: unknown) => {
      // It may vanish with its pod's namespace at this very moment.
      if ((await links()).has(id)) throw error
    })
  }
  let queue: Promise<unknown> = Promise.resolve()
  const serially = <T>(action: () => Promise<T>): Promise<T> => {
    const result = queue.then(action)
    queue = result.catch(() => undefined)
    return result
  }
  return {
    attach: ({ id, pid }) =>
      serially(async () => {
        const known = await links()
        const address = (number: number) => [`10.99.${number}.2`]
        const mine = known.get(id)
        if (mine !== undefined) return address(mine)
        const taken = new Set(known.values())
        const number = Array.from({ length: 250 }, (_, each) => each + 1).find((each) => !taken.has(each)) ?? 0
        const node = `pw${number}`
        const onNode = [
          `link add ${node} type veth peer name eth0 netns ${pid}`,
          `link set ${node} alias ${id}`,
          `addr add 10.99.${number}.1/24 dev ${node}`,
          `link set ${node} up`,
        ]
        await runner.run('ip', ['-batch', '-'], `${onNode.join('\n')}\n`)
        const inPod = ['link set lo up', `addr add 10.99.${number}.2/24 dev eth0`, 'link set eth0 up']
        const enter = ['--target', String(pid), '--net', '--', 'ip', '-batch', '-']
        await runner.run('nsenter', enter, `${inPod.join('\n')}\n`)
        return address(number)
      }),
    detach: (id) => serially(() => detach(id)),
    retain: (ids) =>
      serially(async () => {
        for (const id of (await links()).keys()) if (!ids.includes(id)) await detach(id)
        return []
      }),
  }
}
