import { VIRQ_ARGO, VIRQ_DEBUG, VIRQ_TIMER, VIRQ_XENOPROF, VIRQ_XENPMU } from '../abi/xen.ts'

/** Once per vCPU: TIMER, DEBUG, XENOPROF, XENPMU. */
export function isVcpuVirq(virq: number): boolean {
  return virq === VIRQ_TIMER || virq === VIRQ_DEBUG || virq === VIRQ_XENOPROF || virq === VIRQ_XENPMU
}

/** Once in the machine, for domain 0; a guest may bind it but never sees it raised. */
export function isGlobalVirq(virq: number): boolean {
  return !isVcpuVirq(virq) && virq !== VIRQ_ARGO
}
