/** A pod's process on the node: what it tries to get at is not there, and it is nobody who could change that. */
import { join } from 'node:path'
import t from 'tap'
import { createCommandRunner } from '../../src/host/command.ts'
import { isRealRoot } from '../support/left-on-node.ts'
import { publicRoot, root } from './support/lab.ts'

const child = [process.execPath, join(root, 'test/support/attacked-pod.ts')] as const
const nobody = '65534'
const asOrdinaryUser = [
  ...['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--', 'env', 'HOME=/tmp', 'TMPDIR=/tmp'],
  ...['unshare', '--user', '--map-root-user', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'],
  // A shell as process 1 reaps what others leave behind.
  ...['sh', '-c', '"$@"; exit $?', 'sh'],
] as const

/** capabilities(7) by number. */
const bits = (...numbers: readonly number[]): string =>
  numbers
    .reduce((all, number) => all | (1n << BigInt(number)), 0n)
    .toString(16)
    .padStart(16, '0')
const usual = bits(0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 29, 31)

for (const { name, prefix, skip } of [
  { name: 'as root', prefix: [], skip: false as const },
  {
    name: 'as an ordinary user',
    prefix: asOrdinaryUser,
    skip: isRealRoot ? (false as const) : 'needs root: it is one',
  },
])
  t.test(name, { skip, timeout: 120_000 }, async (t) => {
    const place = prefix.length > 0 ? await publicRoot() : root
    const [file = '', ...args] = [...prefix, ...child.map((path) => path.replace(root, place))]
    const found: Readonly<Record<string, readonly string[]>> = JSON.parse(await createCommandRunner().run(file, args))
    for (const pod of ['own', 'host'] as const)
      await t.test(`a pod with ${pod === 'own' ? 'a network of its own' : 'the network of the node'}`, async (t) => {
        t.same(found[pod], ['done'], 'no way in')
        t.same(found[`${pod} exec`], ['done'], 'nor for a probe')
        t.same(found[`${pod} rights`], [`CapEff:${usual}`, `CapBnd:${usual}`, 'NoNewPrivs:0'])
        t.same(found[`${pod} exec rights`], [`CapEff:${usual}`, `CapBnd:${usual}`, 'NoNewPrivs:1'])
        t.match(found[`${pod} planted`]?.join(), /CapEff/)
        for (const line of found[`${pod} planted`] ?? [])
          if (line.startsWith('CapEff'))
            t.equal(line, `CapEff:\t${usual}`, 'what a pod has planted gets no more than it')
      })
    const [, effective = '0'] = found['all']?.[0]?.split(':') ?? []
    t.ok(BigInt(`0x${effective}`) & (1n << 21n), 'one that is privileged administers')
    t.same(found['none']?.slice(0, 2), [`CapEff:${bits()}`, `CapBnd:${bits()}`])
    const [folders = '', ...rest] = found['works']?.toReversed() ?? []
    t.same(rest.toReversed(), ['file', '1', '0', '2'], 'and what pods need works')
    const missing = ['bin', 'dev', 'etc', 'proc', 'tmp', 'usr'].filter((name) => !folders.split(' ').includes(name))
    t.same(missing, [], 'and is there')
  })
