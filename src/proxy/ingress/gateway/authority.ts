import { certificateProblem } from '../annotations/pem.ts'

/** The authority (PEM) that the data of a ConfigMap holds; undefined when there is none, or it is broken. */
export const authorityIn = (data: Readonly<Record<string, string>> | undefined): string | undefined => {
  const pem = data?.['ca.crt']
  return pem === undefined || certificateProblem(pem) !== undefined ? undefined : pem
}
