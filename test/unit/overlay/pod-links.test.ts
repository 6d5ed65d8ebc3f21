/** What becomes of a pod's link when a step of making it fails. What the kernel does of it is in integration/overlay. */
import t from 'tap'
import { CommandError, type CommandRunner, type OpenCommand } from '../../../src/host/command.ts'
import { createPodLinks, linkName, type PodOnLink } from '../../../src/overlay/pod-links.ts'

interface Failures {
  /** What the kept `ip` says of a line; it says it once. */
  readonly session?: readonly string[]
  /** How the program inside the pod ends. */
  readonly inside?: readonly number[]
  /** Of a program that is run to its end: what it says on its standard error output, by its words. */
  readonly run?: Readonly<Record<string, string>>
}

/** The programs that links are made by. `links` are those of the node. */
const createPrograms = ({ session = [], inside = [], run = {} }: Failures) => {
  const links = new Set<string>()
  const calls: string[] = []
  const says = [...session]
  const ends = [...inside]

  const obey = (text: string): void => {
    for (const line of text.trim().split('\n')) {
      const [, added] = /^link add (\S+)/.exec(line) ?? []
      const [, gone] = /^link del dev (\S+)/.exec(line) ?? []
      if (added !== undefined) links.add(added)
      if (gone !== undefined && !links.delete(gone)) throw new CommandError(line, 1, `Cannot find device "${gone}"`)
    }
  }

  const open = (file: string): OpenCommand => {
    let listener: (line: string) => void = () => undefined
    return {
      onError: (heard) => {
        listener = heard
      },
      onEnd: () => undefined,
      end: async () => '',
      kill: () => undefined,
      write: (text) => {
        if (file === 'sh') {
          const mark = /echo "(\S+) \$\?"/.exec(text)?.[1]
          const code = ends.shift() ?? 0
          calls.push('inside')
          queueMicrotask(() => {
            if (code !== 0) listener('RTNETLINK answers: No such device')
            listener(`${mark} ${code}`)
          })
          return
        }
        const [line = '', question = ''] = text.trim().split('\n')
        const complaint = line.startsWith('link add') ? says.shift() : undefined
        if (complaint === undefined) obey(line)
        calls.push(line.split(' ').slice(0, 2).join(' '))
        queueMicrotask(() => {
          if (complaint !== undefined) listener(complaint)
          listener(`Cannot find device "${question.split(' ').at(-1)}"`)
        })
      },
    }
  }

  const runner: CommandRunner = {
    open,
    run: async (file, args, stdin = '') => {
      const command = [file, ...args].join(' ')
      const failure = Object.entries(run).find(([words]) => command.startsWith(words))
      if (failure) throw new CommandError(command, 1, failure[1])
      calls.push(`${file}: ${stdin.trim().split('\n')[0]?.split(' ').slice(0, 2).join(' ') ?? ''}`)
      obey(stdin)
      return '[]'
    },
  }
  return { runner, links, calls }
}

const pod: PodOnLink = { id: 'default/web', netns: '/proc/7/ns/net', addresses: ['10.244.1.2'] }

const start = (failures: Failures) => {
  const programs = createPrograms(failures)
  return { ...programs, podLinks: createPodLinks({ runner: programs.runner, mtu: 1450, gateways: ['10.244.1.1'] }) }
}

t.test('made', async (t) => {
  const { podLinks, links, calls } = start({})
  await podLinks.attach(pod)
  t.same([...links], [linkName(pod.id)])
  t.same(calls, ['link add', 'link set', 'inside'])
})

t.test('what fails inside of the pod leaves nothing on the node', async (t) => {
  const { podLinks, links, calls } = start({ inside: [1] })
  await t.rejects(podLinks.attach(pod), { name: 'CommandError', message: /No such device/ })
  t.same([...links], [])
  t.equal(calls.at(-1), 'ip: link del')
  await podLinks.attach(pod)
  t.same([...links], [linkName(pod.id)], 'and the next try has its turn')
})

t.test('so does a bandwidth that cannot be set', async (t) => {
  const bandwidth = { ingress: 1_000_000 }
  const { podLinks, links } = start({ run: { tc: 'Error: Specified qdisc kind is unknown.' } })
  await t.rejects(podLinks.attach({ ...pod, bandwidth }), /qdisc kind is unknown/)
  t.same([...links], [])
})

t.test('a kept program that has gone stale: a new one tells the truth', async (t) => {
  const { podLinks, links, calls } = start({ session: ['Cannot find device "podway0"'] })
  await podLinks.attach(pod)
  t.same([...links], [linkName(pod.id)])
  t.ok(calls.includes('ip: link add'), calls.join(', '))
})

t.test('when that fails, too, it is told', async (t) => {
  const { podLinks, links } = start({
    session: ['Cannot find device "podway0"'],
    run: { 'ip -batch': 'Cannot find device' },
  })
  await t.rejects(podLinks.attach(pod), /Cannot find device/)
  t.same([...links], [])
})

t.test('taking away: one that is gone is no failure, anything else is', async (t) => {
  const { podLinks } = start({})
  await podLinks.detach('nobody')
  await podLinks.attach(pod)
  await podLinks.detach(pod.id)
  await podLinks.detach(pod.id)
  const broken = start({ run: { 'ip -batch': 'RTNETLINK answers: Operation not permitted' } })
  await t.rejects(broken.podLinks.detach(pod.id), /not permitted/)
})
