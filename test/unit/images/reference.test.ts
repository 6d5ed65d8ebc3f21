import t from 'tap'
import { formatReference, parseReference, repositoryName, storedName } from '../../../src/images/reference.ts'

const digest = `sha256:${'a1'.repeat(32)}`

const good: readonly (readonly [text: string, full: string])[] = [
  ['nginx', 'docker.io/library/nginx:latest'],
  ['nginx:1.27', 'docker.io/library/nginx:1.27'],
  ['library/nginx', 'docker.io/library/nginx:latest'],
  ['docker.io/nginx', 'docker.io/library/nginx:latest'],
  ['index.docker.io/a/b:x', 'docker.io/a/b:x'],
  ['user/app_v2.x--y', 'docker.io/user/app_v2.x--y:latest'],
  ['localhost/app', 'localhost/app:latest'],
  ['localhost:5000/app', 'localhost:5000/app:latest'],
  ['127.0.0.1:5000/a/b/c:1', '127.0.0.1:5000/a/b/c:1'],
  ['[::1]:5000/a:1', '[::1]:5000/a:1'],
  ['ghcr.io/a/b', 'ghcr.io/a/b:latest'],
  ['Registry/a', 'Registry/a:latest'],
  [`nginx@${digest}`, `docker.io/library/nginx@${digest}`],
  [`nginx:1.27@${digest}`, `docker.io/library/nginx:1.27@${digest}`],
  ['app:_a.B-9', 'docker.io/library/app:_a.B-9'],
]

for (const [text, full] of good) t.test(text, async (t) => t.equal(formatReference(parseReference(text)), full))

const bad: readonly (readonly [text: string, why: RegExp])[] = [
  ['', /it is empty/],
  ['Nginx', /lower-case/],
  ['nginx:', /no tag/],
  [`nginx:${'x'.repeat(129)}`, /no tag/],
  ['nginx:a b', /no tag/],
  ['nginx@sha256:abc', /a digest is/],
  [`nginx@sha512:${'a'.repeat(128)}`, /a digest is/],
  ['a//b', /cannot be part of it/],
  ['a/../b', /cannot be part of it/],
  ['/a', /cannot be part of it|no host/],
  ['a/', /cannot be part of it/],
  ['-a.b/c', /no host/],
  ['a.b:123456/c', /no host/],
  ['a.b:/c', /no host/],
  ['a___b', /cannot be part of it/],
  ['a\nb', /cannot be part of it/],
  ['a\0b', /cannot be part of it/],
  ['https://a.b/c', /cannot be part|no tag|no host/],
  ['f'.repeat(64), /the id of an image/],
  [`x.io/${'a'.repeat(255)}`, /longer than 255/],
  ['a'.repeat(2_000), /longer than 1024/],
]

for (const [text, why] of bad)
  t.test(`refused: ${JSON.stringify(text.slice(0, 40))}`, async (t) =>
    t.throws(() => parseReference(text), { name: 'ImageError', fault: 'invalid name', message: why }),
  )

t.test('a digest says more than the tag beside it', async (t) => {
  const reference = parseReference(`nginx:1@${digest}`)
  t.equal(storedName(reference), `docker.io/library/nginx@${digest}`)
  t.equal(repositoryName(reference), 'docker.io/library/nginx')
})
