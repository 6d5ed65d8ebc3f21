/** OpenAPI documents of several servers as one. */
import t from 'tap'
import { mergeDocuments } from '../../../../src/control/openapi/merge.ts'

const refer = (name: string) => ({ $ref: `#/definitions/${name}` })
const own = {
  swagger: '2.0' as const,
  info: { title: 'own', version: '1' },
  paths: { '/apis/own/v1/things': { get: refer('Thing') } },
  definitions: { Thing: { type: 'object' }, Meta: { type: 'object', properties: { name: { type: 'string' } } } },
}

t.test('what a path needs comes with it, under another name where that is taken', async (t) => {
  const chair = {
    type: 'object',
    properties: { metadata: refer('Meta'), legs: { items: refer('Leg') }, thing: refer('Thing') },
  }
  const merged = mergeDocuments(own, [
    {
      paths: { '/apis/far/v1/chairs': { get: refer('Chair') }, '/apis/own/v1/things': { get: refer('Evil') } },
      definitions: {
        ...{ Chair: chair, Leg: { type: 'object', properties: { chair: refer('Chair') } }, Evil: {}, Unused: {} },
        ...{ Meta: own.definitions.Meta, Thing: { type: 'string' } },
      },
    },
  ])
  t.same(Object.keys(merged.paths).sort(), ['/apis/far/v1/chairs', '/apis/own/v1/things'])
  t.same(merged.paths['/apis/own/v1/things'], { get: refer('Thing') }, 'a path stays whose it was')
  t.same(merged.definitions['Thing'], { type: 'object' })
  t.same(merged.definitions['Thing_v2'], { type: 'string' })
  t.match(merged.definitions['Chair'], {
    properties: { metadata: refer('Meta'), thing: refer('Thing_v2'), legs: { items: refer('Leg') } },
  })
  t.notOk('Unused' in merged.definitions)
  t.equal(mergeDocuments(own, []), own)
})
