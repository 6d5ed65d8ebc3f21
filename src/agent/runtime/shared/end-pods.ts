/** Ending pods that an agent has left running, whatever their containers are. */
import { silentLogger } from '../../../host/log.ts'
import { createShimRuntime } from './shim-runtime.ts'
import { createStateStore, isAnyContainer } from './state.ts'

const nothingStarts = async (): Promise<never> => {
  throw new Error('pods are only ended here')
}

/** Resolves to how many there were. `stateDir` is of one runtime. */
export const endPods = async (stateDir: string, onDamage: (message: string) => void): Promise<number> => {
  const { sandboxes } = createShimRuntime('', {
    kind: {
      ...{ rootOf: nothingStarts, launch: nothingStarts, stop: nothingStarts },
      commands: { prepare: nothingStarts, sizeWords: () => () => ['true'] },
    },
    ...{ store: createStateStore(stateDir, isAnyContainer), cgroups: undefined, onChange: () => undefined, onDamage },
    log: silentLogger,
  })
  const found = await sandboxes.list()
  for (const { id } of found) await sandboxes.end(id, 'forget')
  return found.length
}
