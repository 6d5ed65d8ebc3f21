/** The form of every text of this group's kinds. */
import { type FieldFormats, line, objectName, oneOf, qualifiedName } from '../formats/formats.ts'
import { byKind, legacyCondition, lookedUp, object } from '../formats/words.ts'

const metric = { name: qualifiedName }
const metricType = oneOf('ContainerResource', 'External', 'Object', 'Pods', 'Resource')

export const autoscalingFormats: FieldFormats = {
  'autoscaling/v1.Scale': object,
  'autoscaling/v1.ScaleStatus': { selector: line },
  'autoscaling/v2.HorizontalPodAutoscaler': object,
  'autoscaling/v2.CrossVersionObjectReference': { apiVersion: lookedUp, kind: lookedUp, name: objectName },
  'autoscaling/v2.HorizontalPodAutoscalerCondition': legacyCondition,
  'autoscaling/v2.HPAScalingPolicy': { type: byKind },
  'autoscaling/v2.HPAScalingRules': { selectPolicy: byKind },
  'autoscaling/v2.MetricIdentifier': { name: objectName },
  'autoscaling/v2.MetricSpec': { type: byKind },
  'autoscaling/v2.MetricStatus': { type: metricType },
  'autoscaling/v2.MetricTarget': { type: byKind },
  'autoscaling/v2.ResourceMetricSource': metric,
  'autoscaling/v2.ResourceMetricStatus': metric,
  'autoscaling/v2.ContainerResourceMetricSource': { ...metric, container: byKind },
  'autoscaling/v2.ContainerResourceMetricStatus': { ...metric, container: objectName },
}
