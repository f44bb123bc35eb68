import { MAX_VCPUS } from '../domain/domain-state.ts'
import { CodedError } from '../errors.ts'
import { ORDER_INTERVAL } from '../pcpu/virtual-domain-runner.ts'
import type { DomainRequest } from './hypervisor-api.ts'

/** Longest command line that start_info holds, with its end. */
const MAX_CMDLINE = 1023
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const NAME = /^[A-Za-z0-9_.:+/-]{1,64}$/

function refuse(key: string, message: string): never {
  throw new CodedError({ code: 'DOMAIN_CONFIG', key }, message)
}

/** @throws CodedError DOMAIN_CONFIG */
export function checkName(name: string): void {
  if (!NAME.test(name)) refuse('name', `name=${JSON.stringify(name)}: give 1 to 64 letters, digits or ._:+/-`)
}

/** @throws CodedError DOMAIN_CONFIG */
export function checkUuid(uuid: string): void {
  if (!UUID.test(uuid)) refuse('uuid', `uuid=${uuid}: give it as 8-4-4-4-12 lower-case hex digits`)
}

/** @throws CodedError DOMAIN_CONFIG */
export function checkOnline(online: readonly number[], vcpus: number): void {
  const isRight = online.includes(0) && online.every((vcpu) => Number.isInteger(vcpu) && vcpu >= 0 && vcpu < vcpus)
  if (!isRight) refuse('online', `online=${online}: give numbers of vCPUs from 0 to ${vcpus - 1}, and 0 among them`)
}

/** @throws CodedError DOMAIN_CONFIG naming the key */
export function checkRequest(request: DomainRequest): void {
  const { name, memory, vcpus, cmdline, uuid, online } = request
  checkName(name)
  if (!(Number.isInteger(memory) && memory >= 1)) refuse('memory', `memory=${memory}: give a whole number of MiB`)
  if (!(Number.isInteger(vcpus) && vcpus >= 1 && vcpus <= MAX_VCPUS)) {
    refuse('vcpus', `vcpus=${vcpus}: give a whole number from 1 to ${MAX_VCPUS}`)
  }
  const length = new TextEncoder().encode(cmdline).length
  if (length > MAX_CMDLINE)
    refuse('cmdline', `the kernel's command line has ${length} bytes: give at most ${MAX_CMDLINE}`)
  const { stateHashes, virtualClock = false } = request
  if (
    stateHashes !== undefined &&
    !(virtualClock && stateHashes.every > 0n && stateHashes.every % ORDER_INTERVAL === 0n)
  ) {
    refuse('stateHashes', `stateHashes: they need a virtual clock, and \`every\` a multiple of ${ORDER_INTERVAL}`)
  }
  if (uuid !== undefined) checkUuid(uuid)
  if (online !== undefined) checkOnline(online, vcpus)
}
