/** What a rewrite leaves of a path is what came: the normal form decides, and is not sent. */
import t from 'tap'
import { createDraft } from '../../../src/proxy/ingress/decide/draft.ts'
import { redirectStep } from '../../../src/proxy/ingress/decide/redirects.ts'
import { rewrittenTarget } from '../../../src/proxy/ingress/decide/rewrite.ts'
import { receivedOffsets, routingPath } from '../../../src/proxy/ingress/http/path.ts'
import type { PathRewrite } from '../../../src/proxy/ingress/policy/policy.ts'
import { attempt, head } from '../../support/request-heads.ts'
import { createSeededRandom } from '../../support/seeded-random.ts'
import { stepContext } from '../../support/step-context.ts'

const usual: PathRewrite = { kind: 'regex', pattern: '/something(/|$)(.*)', replacement: '/$2' }
const prefix: PathRewrite = { kind: 'prefix', prefix: '/something', replacement: '/new' }
const toRoot: PathRewrite = { kind: 'prefix', prefix: '/something', replacement: '' }
const fromRoot: PathRewrite = { kind: 'prefix', prefix: '', replacement: '/new' }

t.test('escapes of the part that is kept', async (t) => {
  const escapes = [
    '24',
    '3B',
    '2B',
    '26',
    '3D',
    '40',
    '3A',
    '2C',
    '27',
    '2F',
    '25',
    '20',
    '61',
    '7e',
    'c3%a4',
    '3F',
    '0a',
  ]
  for (const each of escapes) {
    const rest = `foo%${each}bar`
    const request = head(`/something/${rest}?q=%24`)
    t.equal(rewrittenTarget(request, usual), `/${rest}?q=%24`)
    t.equal(rewrittenTarget(request, prefix), `/new/${rest}?q=%24`)
    t.equal(rewrittenTarget(request, toRoot), `/${rest}?q=%24`)
    t.equal(rewrittenTarget(request, fromRoot), `/new/something/${rest}?q=%24`)
  }
  t.equal(rewrittenTarget(head('/%73omething/foo%24bar'), usual), '/foo%24bar', 'an escape in front of it')
  t.equal(rewrittenTarget(head('//something///foo%24bar'), prefix), '/new/foo%24bar', 'slashes in front of it')
})

t.test('slashes of the part that is kept; the seam has one', async (t) => {
  t.equal(rewrittenTarget(head('/something/a//b///c'), usual), '/a//b///c')
  t.equal(rewrittenTarget(head('/something//a//b/'), usual), '/a//b/')
  t.equal(rewrittenTarget(head('/something//a//b//'), prefix), '/new/a//b//')
  t.equal(rewrittenTarget(head('/something///evil.lab'), toRoot), '/evil.lab')
  t.equal(rewrittenTarget(head('/something'), toRoot), '/')
  t.equal(rewrittenTarget(head('/something'), prefix), '/new')
  t.equal(rewrittenTarget(head('/something/'), prefix), '/new/')
  t.equal(rewrittenTarget(head('//a//b'), fromRoot), '/new/a//b')
  const apart: PathRewrite = { kind: 'regex', pattern: '/something/(.*)/by/(.*)', replacement: '/$2/of/$1/' }
  t.equal(rewrittenTarget(head('/something/a//b//by//c%24//d//'), apart), '/c%24//d/of/a//b/')
})

t.test('an escape that a pattern cuts in two is none', async (t) => {
  const cut: PathRewrite = { kind: 'regex', pattern: '/x/(.)(.*)', replacement: '/$2$1' }
  t.throws(() => rewrittenTarget(head('/x/%2Fe'), cut))
  t.equal(rewrittenTarget(head('/x/%24e'), cut), '/e%24')
  const ends: PathRewrite = { kind: 'regex', pattern: '/x/a(.*)', replacement: '/$1' }
  t.throws(() => rewrittenTarget(head('/x/a%2e%2e'), ends), 'no step up comes out of it')
  t.throws(() => rewrittenTarget(head('/x/a%2e.%2fb'), ends))
})

t.test('what comes into a query stays one value', async (t) => {
  const asked: PathRewrite = { kind: 'regex', pattern: '/x/(.*)', replacement: '/new?path=$1' }
  t.equal(rewrittenTarget(head('/x/a%26b&c%3Dd+e%2Bf//g?h'), asked), '/new?path=a%26b%26c%3Dd%2Be%2Bf//g&h')
})

t.test('redirects as well', async (t) => {
  const step = redirectStep({ kind: 'parts', status: 302, host: 'b.lab', path: prefix })
  const via = { clientAddress: '', forwardedFor: '', scheme: 'http', port: 80, localAuthority: '' } as const
  const asking = { request: head('/something/foo%24bar//%3B'), via, viaText: '', proof: undefined }
  const reply = step(asking, createDraft(), stepContext())
  t.match(reply, { fields: [['Location', 'http://b.lab/new/foo%24bar//%3B']] })
})

t.test('each piece of a path as it came has its piece of the normal form', async (t) => {
  const random = createSeededRandom(7)
  const parts = ['/', '//', '///', 'a', 'B', '%61', '%2F', '%2f', '%25', '%24', '%c3%a4', ';', '.a', '%0a'] as const
  const wrong: string[] = []
  let compared = 0
  for (let round = 0; round < 2_000; round++) {
    const received = `/${Array.from({ length: 1 + random.below(12) }, () => random.pick(parts)).join('')}`
    const path = attempt(() => routingPath(received))
    if (path === undefined) continue
    const at = receivedOffsets(received, path)
    for (let end = 0; end <= path.length; end++) {
      // In the middle of an escape neither part is a path.
      if (/%.?$/.test(path.slice(0, end))) continue
      const halves = [received.slice(0, at(end)), received.slice(at(end))]
      const pieces = halves.map((half) => attempt(() => routingPath(half)))
      // Half a name may be a step that the whole is not.
      if (pieces.includes(undefined)) continue
      compared++
      if (pieces[0] !== path.slice(0, end) || pieces[1] !== path.slice(end)) wrong.push(`${received} at ${end}`)
    }
  }
  t.same(wrong, [])
  t.ok(compared > 5_000)
})
