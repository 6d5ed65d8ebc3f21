/** Importing this lets what is imported later by the package's own name (`podway/controller`) come from the sources. */
import { registerHooks } from 'node:module'

registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier, { ...context, conditions: [...context.conditions, 'podway-sources'] }),
})
