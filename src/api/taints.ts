/** What keeps pods away from nodes, and which pods do not mind. Pure. */
import type { Pod, Taint, Toleration } from './types/index.ts'

export const tolerates = (toleration: Toleration, taint: Taint): boolean =>
  (toleration.effect === undefined || toleration.effect === taint.effect) &&
  (toleration.key === undefined || toleration.key === '' || toleration.key === taint.key) &&
  (toleration.operator === 'Exists' ||
    ((toleration.operator ?? 'Equal') === 'Equal' && (toleration.value ?? '') === (taint.value ?? '')))

export const isTolerated = (pod: Pod, taint: Taint): boolean =>
  (pod.spec.tolerations ?? []).some((toleration) => tolerates(toleration, taint))
