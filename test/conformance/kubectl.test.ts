/**
 * Every step that users take with kubectl, said by each kubectl that is found, as a real API server has it say them
 * (see ../support/clients.ts).
 */
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { kubectls } from '../support/clients.ts'
import { serveApi } from '../support/served-api.ts'
import { goldenOf } from './kubectl/golden.ts'
import { isSkewed, isUnordered, known } from './kubectl/known.ts'
import { minorOf, runSteps, type Said } from './kubectl/run.ts'

const ordered = (said: Said | undefined): Said | undefined =>
  said && isUnordered(said.words) ? { ...said, lines: said.lines.toSorted() } : said

t.setTimeout(1_800_000)

for (const kubectl of kubectls()) {
  const minor = await minorOf(kubectl)
  const golden = goldenOf(minor)
  const skip = !existsSync(golden) && `what kubectl ${minor} says to a real API server is not written down`
  t.test(`kubectl ${minor}`, { skip }, async (t) => {
    const { kubeconfig } = await serveApi(t)
    const expected = JSON.parse(readFileSync(golden, 'utf8')) as readonly Said[]
    const said = await runSteps(kubectl, kubeconfig)
    t.equal(said.length, expected.length)
    for (const [at, step] of said.entries())
      if (isSkewed(minor, step.words)) t.equal(step.code, 0, step.words)
      else if (known(step.words) === undefined) t.strictSame(ordered(step), ordered(expected[at]), step.words)
      else t.equal(step.code, expected[at]?.code, `${step.words} (${known(step.words)})`)
  })
}
