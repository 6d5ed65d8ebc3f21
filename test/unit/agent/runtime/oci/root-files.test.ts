import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { IrregularFile, readInRoot } from '../../../../../src/agent/runtime/oci/root-files.ts'

t.test('links stay in the root', async (t) => {
  const folder = t.testdir({
    secret: 'of the node',
    root: {
      etc: {
        passwd: 'plain',
        away: t.fixture('symlink', '../../secret'),
        far: t.fixture('symlink', '../../../../../../../../../secret'),
        absolute: t.fixture('symlink', '/usr/share/passwd'),
        loop: t.fixture('symlink', 'loop'),
        top: t.fixture('symlink', '/'),
        piped: t.fixture('symlink', '/etc/fifo'),
        here: t.fixture('symlink', './passwd'),
      },
      secret: 'of the image',
      usr: { share: { passwd: 'moved' } },
      lib: t.fixture('symlink', '/etc'),
    },
  })
  const read = (path: string, maxBytes = 100) => readInRoot(join(folder, 'root'), path, maxBytes)
  t.equal(read('etc/passwd'), 'plain')
  t.equal(read('/etc/passwd'), 'plain')
  t.equal(read('etc/passwd', 3), 'pla', 'no more than was asked for')
  t.equal(read('etc/here'), 'plain')
  t.equal(read('lib/passwd'), 'plain')
  t.equal(read('etc/absolute'), 'moved')
  t.equal(read('etc/away'), 'of the image', 'above the root is the root')
  t.equal(read('etc/far'), 'of the image')
  for (const path of ['etc/loop', 'etc/none', 'none/passwd', 'etc/passwd/x']) t.equal(read(path), undefined, path)

  execFileSync('mkfifo', [join(folder, 'root/etc/fifo')])
  for (const path of ['etc/fifo', 'etc/piped'])
    t.throws(() => read(path), new IrregularFile(path, 'named pipe'), 'what would block is not opened')
  for (const path of ['etc', 'etc/top', '']) t.throws(() => read(path), new IrregularFile(path, 'folder'))
  const before = readdirSync('/proc/self/fd').length
  for (let at = 0; at < 5; at++) {
    read('etc/far')
    t.throws(() => read('etc/fifo'))
  }
  t.equal(readdirSync('/proc/self/fd').length, before, 'everything is closed')
})
