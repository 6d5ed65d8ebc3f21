/** A kind of the tests' own: nothing of the real ones has a part in what is tried with it. */
import type { KubeObject } from '../../src/api/types/index.ts'
import { define, type ResourceDefinition } from '../../src/control/resources/definition.ts'

export interface Widget extends KubeObject {
  readonly spec?: { readonly size?: number; readonly color?: string }
  readonly status?: { readonly ready?: boolean }
}

export const widgets = (more: Partial<ResourceDefinition<Widget>> = {}): ResourceDefinition =>
  define<Widget>({
    ...{ group: 'lab.example', version: 'v1', kind: 'Widget', plural: 'widgets', singular: 'widget', namespaced: true },
    columns: [],
    nameRule: { check: (name) => (name.startsWith('-') ? 'a name begins with a letter' : undefined) },
    schema: {
      decode: () => {
        throw new Error('no body is read here')
      },
      shape: { kind: 'deduced' },
      published: {},
    },
    ...more,
  })

export const widget = (name: string, metadata: Partial<KubeObject['metadata']> = {}, more: object = {}): Widget => ({
  ...{ apiVersion: 'lab.example/v1', kind: 'Widget', metadata: { name, ...metadata } },
  ...more,
})
