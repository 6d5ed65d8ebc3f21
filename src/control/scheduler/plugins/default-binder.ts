/** Writes a pod's node, as anybody who may create Bindings would. */
import type { Client } from '../../../api/client.ts'
import type { Resource } from '../../../api/resources.ts'
import type { Binding } from '../../../api/types/index.ts'
import type { Plugin } from '../framework/plugin.ts'

/** A binding is posted to the pod that it is about. */
const bindings: Resource<Binding> = { group: '', version: 'v1', plural: 'pods', kind: 'Binding', namespaced: true }

export const createDefaultBinder = (client: Client): Plugin => ({
  name: 'DefaultBinder',
  bind: async ({ metadata }, node) => {
    const { uid = '', namespace = '', name } = metadata
    const target = { apiVersion: 'v1', kind: 'Node', name: node.metadata.name }
    const binding: Omit<Binding, 'apiVersion' | 'kind'> = { metadata: { name, namespace, uid }, target }
    await client.create(bindings, binding, 'binding')
    return true
  },
})
