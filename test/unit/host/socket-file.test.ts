import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { listenAtPath } from '../../../src/host/socket-file.ts'

const place = async (t: Test): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'podway-socket-'))
  t.teardown(() => rm(folder, { recursive: true }))
  return join(folder, 'new', 'cni.sock')
}
const saying = (t: Test, word: string): Server => {
  const server = createServer((socket) => socket.end(word))
  t.teardown(() => void server.close())
  return server
}
const ask = (path: string): Promise<string> =>
  text(connect(path)).catch((error: NodeJS.ErrnoException) => error.code ?? '')
const never = (message: string): never => {
  throw new Error(message)
}

t.test('a successor has the name, and keeps it when the one before ends', async (t) => {
  const path = await place(t)
  const [first, second] = [saying(t, 'first'), saying(t, 'second')]
  const before = await listenAtPath(first, path, never)
  t.equal((await stat(path)).mode & 0o777, 0o600)
  t.equal(await ask(path), 'first')
  const after = await listenAtPath(second, path, never)
  t.equal(await ask(path), 'second', 'at once')
  await before.release()
  first.close()
  await once(first, 'close')
  t.equal(await ask(path), 'second', 'the end of the first takes nothing away')
  await after.release()
  t.equal(await ask(path), 'ENOENT')
  t.same(await readdir(join(path, '..')), [], 'nothing is left')
})

t.test('the socket of a process that was killed is replaced', async (t) => {
  const path = await place(t)
  const dead = saying(t, 'dead')
  await listenAtPath(dead, path, never)
  dead.close()
  await once(dead, 'close')
  t.equal(await ask(path), 'ECONNREFUSED')
  await listenAtPath(saying(t, 'alive'), path, never)
  t.equal(await ask(path), 'alive')
})
