/** The lab of two nodes that several files of tests share: starting one for each would take longer than most of them. */
import { createLabHome } from '../support/lab.ts'

export const { home, kubeconfig, run, kubectl, kubectlJson, apply, fetchFrom } = await createLabHome()
