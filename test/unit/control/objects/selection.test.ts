/** Which objects of a kind a list or watch is about. */
import t from 'tap'
import { selectionOf } from '../../../../src/control/objects/selection.ts'
import { type Widget, widget, widgets } from '../../../support/test-kind.ts'

const row = widgets({ fields: { 'spec.color': ({ spec }: Widget) => spec?.color ?? '' } })
const red = widget('red', { namespace: 'team', labels: { app: 'web' } }, { spec: { color: 'red' } })
const blue = widget('blue', { namespace: 'other', labels: { app: 'db' } }, { spec: { color: 'blue' } })
const plain = widget('plain')

const selected = (namespace: string | undefined, labels = '', fields = ''): readonly string[] => {
  const { matches } = selectionOf(row, namespace, labels, fields)
  return [red, blue, plain].filter(matches).map(({ metadata }) => metadata.name)
}

t.test('namespace, labels and fields, all together', async (t) => {
  t.same(selected(undefined), ['red', 'blue', 'plain'])
  t.same(selected('team'), ['red'])
  t.same(selected(undefined, 'app=db'), ['blue'])
  t.same(selected(undefined, '!app'), ['plain'])
  t.same(selected(undefined, '', 'spec.color=red'), ['red'])
  t.same(selected(undefined, '', 'spec.color!=red'), ['blue', 'plain'])
  t.same(selected(undefined, '', 'metadata.name=blue'), ['blue'])
  t.same(selected(undefined, '', 'metadata.namespace=team'), ['red'])
  t.same(selected(undefined, '', 'metadata.namespace='), ['plain'])
  t.same(selected(undefined, '', 'spec.color!=red,metadata.namespace=other'), ['blue'])
  t.same(selected('team', 'app=web', 'spec.color=blue'), [])
  t.same(selected('team', 'app=db'), [])
})

t.test('the only name that can match', async (t) => {
  const nameOf = (fields: string) => selectionOf(row, undefined, '', fields).name
  t.equal(nameOf('metadata.name=a'), 'a')
  t.equal(nameOf('spec.color=red,metadata.name=a'), 'a')
  t.equal(nameOf('metadata.name!=a'), undefined)
  t.equal(nameOf('metadata.namespace=a'), undefined)
  t.equal(nameOf(''), undefined)
})

t.test('what cannot be selected by', async (t) => {
  t.throws(() => selectionOf(row, undefined, '', 'spec.size=1'), {
    code: 400,
    message: 'field label not supported: spec.size',
  })
  t.throws(() => selectionOf(widgets(), undefined, '', 'constructor=x'), { code: 400 })
  t.throws(() => selectionOf(row, undefined, 'a=b=c', ''), { code: 400 })
})
