import { execFile } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { renderTable } from '../../../src/commands/table.ts'
import { coloured, terminalLine, terminalText } from '../../../src/host/terminal.ts'
import { serve } from '../../support/serve.ts'

const root = join(import.meta.dirname, '../../..')

for (const [name, text, line] of [
  ['a colour', '\u001b[31mred', '^[[31mred'],
  ['an escape alone, at the end', 'x\u001b', 'x^['],
  ['the title of the window', '\u001b]0;evil\u0007', '^[]0;evil^G'],
  ['a control above the others', '\u009b2J\u0085', '\\x9b2J\\x85'],
  ['DEL, NUL, backspace and return', 'a\u007f\u0000\b\r', 'a^?^@^H^M'],
  ['another order of words', '\u202egnp.exe\u2066', '\\u202egnp.exe\\u2066'],
  ['lines that are none of ours', 'a\nb\u2028c', 'a^Jb\\u2028c'],
  ['all others', 'größer 日本 🙂 é \t|', 'größer 日本 🙂 é \t|'],
] as const)
  t.test(`${name} is shown`, async (t) => {
    t.equal(terminalLine(text), line)
    t.equal(terminalText(text), line.replace('^J', '\n'))
    t.equal(coloured(32, text), `\u001b[32m${line.replace('^J', '\n')}\u001b[0m`)
  })

t.test('a table has the lines and columns that it has', async (t) => {
  t.equal(renderTable(['A', 'B'], [['x\ny\u001b', 'z']]), `A        B\nx^Jy^[   z`)
})

t.test('what a server says reaches no terminal as it is', async (t) => {
  const message = 'no\u001b]0;evil\u0007\u009b2J'
  const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 403, reason: 'Forbidden', message }
  const server = createServer((_request, response) => void response.writeHead(403).end(JSON.stringify(status)))
  const port = await serve(t, server)
  const kubeconfig = join(t.testdir(), 'config')
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'a', users: [{ name: 'a', user: {} }] },
    clusters: [{ name: 'a', cluster: { server: `http://127.0.0.1:${port}` } }],
    contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
  }
  writeFileSync(kubeconfig, JSON.stringify(config))
  const run = promisify(execFile)(join(root, 'podway'), ['logs', 'a', '--kubeconfig', kubeconfig])
  const stderr = await run.then(
    () => '',
    (error: { readonly stderr: string }) => error.stderr,
  )
  t.match(stderr, /no\^\[\]0;evil\^G\\x9b2J/)
})

t.test('commands print in one way', async (t) => {
  const files = globSync([`${root}/src/{commands,lab}/**/*.ts`, `${root}/src/main.ts`])
  t.ok(files.length > 80, 'finds the sources')
  const direct = files.filter((file) => /\bconsole\.|\bprocess\.std(out|err)\.write\(/.test(readFileSync(file, 'utf8')))
  t.same(direct.map((file) => relative(root, file)).sort(), [
    // The answer of a CNI plug-in.
    'src/commands/cni-run.ts',
    // Bodies are as they are where nobody looks at them; so are lines of logs.
    'src/commands/fetch-run.ts',
    'src/commands/logs-run.ts',
    // JSON.
    'src/commands/output.ts',
  ])
})
