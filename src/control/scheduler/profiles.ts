/** The schedulers that there are, by the names that pods ask for. */
import type { EventRecorder } from '../../api/event-recorder.ts'
import { type ControllerContext, recorderFor } from '../controllers/controller.ts'
import { builtInPlugins } from './built-in.ts'
import type { PluginContext } from './framework/context.ts'
import { createDefaultBinder } from './plugins/default-binder.ts'
import { createVolumeBinding } from './plugins/volume-binding.ts'
import { choosePlugins, type Plugins } from './profile.ts'
import type { SchedulerSettings } from './settings.ts'

export interface Profile {
  readonly schedulerName: string
  readonly percentageOfNodesToScore: number
  readonly plugins: Plugins
  readonly events: EventRecorder
}

/** Throws when the plug-ins of a module cannot be made. */
export const createProfiles = (
  context: ControllerContext,
  own: PluginContext,
  { configuration }: SchedulerSettings,
): ReadonlyMap<string, Profile> => {
  const builtIn = builtInPlugins({
    volumeBinding: createVolumeBinding(context.informers, own),
    binder: createDefaultBinder(context.client),
  })
  return new Map(
    configuration.profiles.map(({ schedulerName, percentageOfNodesToScore, plugins }) => [
      schedulerName,
      {
        ...{ schedulerName, percentageOfNodesToScore, plugins: choosePlugins(builtIn, plugins) },
        events: recorderFor(context, schedulerName),
      },
    ]),
  )
}
