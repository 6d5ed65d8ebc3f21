import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'

const main = join(import.meta.dirname, '../../../src/main.ts')
const podway = (...words: string[]) =>
  promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...words])

/** A server that gives every question back as an answer without records, of this rcode. */
const serve = async (t: Test, rcode: number): Promise<string> => {
  const socket = createSocket('udp4')
  socket.on('message', (question, { port, address }) => {
    const answer = Buffer.from(question)
    answer.writeUInt16BE(0x8580 | rcode, 2)
    socket.send(answer, port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => void socket.close())
  return `127.0.0.1:${socket.address().port}`
}

t.test('the answer names who gave it', async (t) => {
  const server = await serve(t, 0)
  t.equal((await podway('dns', 'query', 'a.b', '--server', server)).stdout, `NOERROR, authoritative, from ${server}\n`)
  const { stdout } = await podway('dns', 'query', 'a.b', '--server', server, '-o', 'json')
  t.match(JSON.parse(stdout), { server, rcode: 'NOERROR', answers: [] })
})

t.test('a name that is not there is exit code 1, in every form', async (t) => {
  const server = await serve(t, 3)
  for (const output of [[], ['-o', 'json']])
    await t.rejects(podway('dns', 'query', 'a.b', '--server', server, ...output), { code: 1, stdout: /NXDOMAIN/ })
})

t.test('a lab that is not there', async (t) => {
  await t.rejects(podway('dns', 'query', 'a.b', '--lab', 'none'), /no lab named none is up/)
  await t.rejects(podway('dns', 'check', '--lab', 'none'), /no lab named none is up/)
})
