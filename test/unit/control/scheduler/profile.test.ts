/** Which plug-ins take part. */
import t from 'tap'
import type { PluginSets } from '../../../../src/control/scheduler/config/configuration.ts'
import type { Plugin } from '../../../../src/control/scheduler/framework/plugin.ts'
import { choosePlugins } from '../../../../src/control/scheduler/profile.ts'

const filter = { helpedBy: [], prepare: () => undefined }
const score = { weight: 1, prepare: () => undefined }
const reserve = { reserve: () => undefined, release: () => undefined }
const bind = async () => true

const a: Plugin = { name: 'A', reserve, score: { ...score, weight: 3 } }
const b: Plugin = { name: 'B', reserve, filter }
const c: Plugin = { name: 'C', score, bind }
const extender: Plugin = { name: 'E', bind, extend: { isInterested: () => true } }

const shown = (sets: PluginSets): string => {
  const { filters, scores, reserves, binds, extenders } = choosePlugins([a, b, c], sets, [extender])
  const names = (all: readonly { readonly name: string }[]) => all.map(({ name }) => name).join('')
  const weights = scores.map(({ weight }) => weight).join('+')
  return [`${filters.length} filters`, `scores ${weights}`, names(reserves), names(binds), names(extenders)].join(', ')
}

const cases: readonly [name: string, sets: PluginSets, wanted: string][] = [
  ['as they are', {}, '1 filters, scores 3+1, AB, EC, E'],
  ['a weight', { score: { enabled: [{ name: 'C', weight: 7 }], disabled: [] } }, '1 filters, scores 3+7, AB, EC, E'],
  ['one less', { score: { enabled: [], disabled: ['A'] } }, '1 filters, scores 1, AB, EC, E'],
  ['nowhere', { multiPoint: { enabled: [], disabled: ['A'] } }, '1 filters, scores 1, B, EC, E'],
  [
    'none but one, everywhere',
    { multiPoint: { enabled: [{ name: 'B' }], disabled: ['*'] } },
    '1 filters, scores , B, E, E',
  ],
  [
    'the other way round',
    { reserve: { enabled: [{ name: 'B' }, { name: 'A' }], disabled: ['*'] } },
    '1 filters, scores 3+1, BA, EC, E',
  ],
  [
    'nowhere but at one point',
    { multiPoint: { enabled: [], disabled: ['*'] }, score: { enabled: [{ name: 'A', weight: 2 }], disabled: [] } },
    '0 filters, scores 2, , E, E',
  ],
]

for (const [name, sets, wanted] of cases) t.equal(shown(sets), wanted, name)

t.throws(() => choosePlugins([a], { score: { enabled: [{ name: 'Z' }], disabled: [] } }), {
  message: 'there is no scheduler plug-in "Z"',
})
t.throws(() => choosePlugins([a, b], { score: { enabled: [{ name: 'B' }], disabled: [] } }), {
  message: 'the scheduler plug-in "B" has no part in score',
})
