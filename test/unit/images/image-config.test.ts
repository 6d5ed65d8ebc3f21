import t from 'tap'
import { chainIds, digestOf } from '../../../src/images/digest.ts'
import { parseConfig } from '../../../src/images/image-config.ts'
import { limits } from '../../../src/images/limits.ts'

const parse = (value: unknown) => parseConfig(Buffer.from(JSON.stringify(value)), limits)
const rootfs = { type: 'layers', diff_ids: [digestOf('a'), digestOf('b')] }

t.test('what containers need of it', async (t) => {
  const { config, diffIds, architecture } = parse({
    ...{ os: 'linux', architecture: 'amd64', rootfs },
    config: {
      ...{
        Entrypoint: ['/e'],
        Cmd: ['a', 'b'],
        Env: ['A=b', 'A=', 'no name', '=x'],
        User: 'www:33',
        WorkingDir: 'srv',
      },
      ...{ StopSignal: 'SIGQUIT', ExposedPorts: { '80/tcp': {}, '$(x)': {} }, Volumes: { '/d': {}, d: {} } },
      ...{ Labels: { a: 'b', __proto__: 'c' } },
    },
  })
  t.same(config.entrypoint, ['/e'])
  t.same(config.cmd, ['a', 'b'])
  t.same(config.env, ['A=b', 'A='], 'what has no name is no variable')
  t.equal(config.workingDir, '/srv')
  t.equal(config.user, 'www:33')
  t.equal(config.stopSignal, 'SIGQUIT')
  t.same(config.exposedPorts, ['80/tcp'])
  t.same(config.volumes, ['/d'])
  t.same(config.labels, { a: 'b' })
  t.same(diffIds, rootfs.diff_ids)
  t.equal(architecture, 'amd64')
})

t.test('nothing has to be there', async (t) => {
  const { config, diffIds } = parse({ config: { Entrypoint: null, Env: null, Labels: null } })
  t.same(diffIds, [])
  t.same([config.entrypoint, config.cmd, config.env, config.user], [[], [], [], ''])
})

const refused: readonly (readonly [name: string, value: unknown, fault: string, message: RegExp])[] = [
  ['a list', [], 'damaged', /no object/],
  ['Cmd that is text', { config: { Cmd: 'x' } }, 'damaged', /Cmd/],
  ['an argument with a NUL', { config: { Cmd: ['a\0b'] } }, 'damaged', /Cmd/],
  ['a number in Env', { config: { Env: [1] } }, 'damaged', /Env/],
  ['a label that is no text', { config: { Labels: { a: 1 } } }, 'damaged', /Labels/],
  ['a user with a line break', { config: { User: 'a\nb' } }, 'damaged', /User/],
  ['a signal with words', { config: { StopSignal: 'x y' } }, 'damaged', /StopSignal/],
  ['a diff id that is none', { rootfs: { diff_ids: ['../../x'] } }, 'damaged', /diff_ids/],
  ['another system', { os: 'windows' }, 'unsupported', /windows/],
  [
    'too many layers',
    { rootfs: { diff_ids: Array.from({ length: 200 }, () => digestOf('a')) } },
    'unsupported',
    /200 layers/,
  ],
]

for (const [name, value, fault, message] of refused)
  t.test(`refused: ${name}`, async (t) => t.throws(() => parse(value), { name: 'ImageError', fault, message }))

t.test('what is no JSON, or too large', async (t) => {
  t.throws(() => parseConfig(Buffer.from('{'), limits), { name: 'ImageError', fault: 'damaged' })
  t.throws(() => parseConfig(Buffer.alloc(100), { ...limits, configBytes: 99 }), {
    name: 'ImageError',
    fault: 'unsupported',
  })
})

t.test('chain ids are those of the specification', async (t) => {
  const [a, b, c] = [digestOf('a'), digestOf('b'), digestOf('c')]
  const second = digestOf(`${a} ${b}`)
  t.same(chainIds([a, b, c]), [a, second, digestOf(`${second} ${c}`)])
  t.same(chainIds([]), [])
})
