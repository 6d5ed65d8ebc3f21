import t from 'tap'
import { type RenderOptions, renderLine } from '../../../../src/commands/logs/render.ts'
import { colouredLine } from '../../../../src/host/terminal.ts'

const instance = {
  ...{ namespace: 'shop', pod: 'web-0', container: 'echo', node: 'node1', key: 'k', isOver: false },
}
const plain: RenderOptions = {
  ...{ json: false, prefix: false, namespaces: false, timestamps: false, terminal: false, colours: false },
}
const time = '2026-01-02T03:04:05.000000000Z'
const render = (text: string | Buffer, options: Partial<RenderOptions>): string =>
  renderLine(instance, { time, text: Buffer.from(text) }, { ...plain, ...options }).toString('latin1')

t.test('what stands in front', async (t) => {
  t.equal(render('x', {}), 'x\n')
  t.equal(render('x', { timestamps: true }), `${time} x\n`)
  t.equal(render('x', { prefix: true, timestamps: true }), `[web-0/echo] ${time} x\n`)
  t.equal(render('x', { prefix: true, namespaces: true }), '[shop/web-0/echo] x\n')
  const [start, code, rest] = render('x', { prefix: true, colours: true }).split('\u001b')
  t.match([start, code, rest], ['', /^\[\d+m\[web-0\/echo\]$/, '[0m x\n'])
})

t.test('a pipe gets the bytes of the container', async (t) => {
  t.equal(render(Buffer.from([0xff, 0x1b, 0x00]), {}), '\u00ff\u001b\u0000\n')
})

t.test('no line breaks out of JSON', async (t) => {
  for (const text of ['"}\r{"log":"x', '\u2028\u0000\\', 'a"b', '\u001b[2J\u007f\u009b2J']) {
    const json = render(text, { json: true, prefix: true, timestamps: true })
    t.equal(json.split('\n').length, 2)
    const shown = Buffer.from(json, 'latin1').toString('utf8')
    t.notMatch(shown, /[\u007f-\u009f]/, 'nor does it mean anything to a terminal')
    t.same(JSON.parse(shown), { time, namespace: 'shop', pod: 'web-0', container: 'echo', node: 'node1', log: text })
  }
})

t.test('no line does more to a terminal than colour itself', async (t) => {
  const cases: Readonly<Record<string, string>> = {
    'plain\tü words': 'plain\tü words',
    'with a return\r': 'with a return',
    '\u001b[31mred': '\u001b[31mred\u001b[0m',
    '\u001b[2J\u001b[Htop': '^[[2J^[[Htop',
    '\u001b]0;title\u0007': '^[]0;title^G',
    'over\rwritten': 'over^Mwritten',
    '\u009b31m': '\\x9b31m',
    '\u001b[31\u001b[32mx': '^[[31\u001b[32mx\u001b[0m',
    '\u007f\u0000': '^?^@',
  }
  for (const [text, shown] of Object.entries(cases)) t.equal(colouredLine(text), shown, JSON.stringify(text))
})
