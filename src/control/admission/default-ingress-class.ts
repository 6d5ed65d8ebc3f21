/** An Ingress that names no class gets the default one. */
import { forbidden } from '../../api/errors.ts'
import type { Ingress, IngressClass } from '../../api/types/index.ts'
import type { Admission } from '../objects/admission.ts'
import { bucketOf } from '../resources/definition.ts'
import { ingressClass as ingressClasses, ingress as ingresses } from '../resources/networking/ingress.ts'
import type { Store } from '../storage/store.ts'

export const defaultClassAnnotation = 'ingressclass.kubernetes.io/is-default-class'
const legacyAnnotation = 'kubernetes.io/ingress.class'

const isDefault = ({ metadata }: IngressClass): boolean => metadata.annotations?.[defaultClassAnnotation] === 'true'

export const defaultIngressClass = (store: Store): Admission => ({
  name: 'DefaultIngressClass',
  admit: ({ operation, definition, object }) => {
    if (operation !== 'create' || definition !== ingresses) return object
    const { spec, metadata } = object as Ingress
    if (spec?.ingressClassName !== undefined || metadata.annotations?.[legacyAnnotation] !== undefined) return object
    const classes = store.list(bucketOf(ingressClasses)).entries.map((entry) => entry.object as IngressClass)
    const [chosen, ...others] = classes.filter(isDefault)
    if (!chosen) return object
    if (others.length > 0)
      throw forbidden(
        definition,
        metadata.name,
        `${others.length + 1} default IngressClasses were found, only 1 allowed`,
      )
    return { ...object, spec: { ...spec, ingressClassName: chosen.metadata.name } } as Ingress
  },
})
