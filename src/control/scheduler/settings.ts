/** What the scheduler is started with. */
import { defaultConfiguration, type SchedulerConfiguration } from './config/configuration.ts'

export interface SchedulerSettings {
  readonly configuration: SchedulerConfiguration
}

export const defaultSettings: SchedulerSettings = { configuration: defaultConfiguration }
