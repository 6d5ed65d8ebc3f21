/** The form of every text of this group's kinds. */
import { type FieldFormats, free, label, resources } from '../formats/formats.ts'
import { object } from '../formats/words.ts'

const window = free('written by this server alone, as a number of seconds')

export const metricsFormats: FieldFormats = {
  'metrics/v1beta1.NodeMetrics': { ...object, window, usage: resources },
  'metrics/v1beta1.PodMetrics': { ...object, window },
  'metrics/v1beta1.ContainerMetrics': { name: label, usage: resources },
}
