import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { CodedError } from '../errors.ts'
import type { DomainRequest, GuestFile, NewDomain } from './hypervisor-api.ts'

/** The request with its files read and its defaults in. @throws CodedError FILE_UNREADABLE */
export async function completeRequest({ kernel, ramdisk, ...request }: NewDomain): Promise<DomainRequest> {
  return {
    cmdline: '',
    vcpus: 1,
    ...request,
    kernel: await contents('kernel', kernel),
    ...(ramdisk === undefined ? {} : { ramdisk: await contents('ramdisk', ramdisk) }),
  }
}

async function contents(key: string, file: GuestFile | string): Promise<GuestFile> {
  if (typeof file !== 'string') return file
  try {
    return { bytes: await readFile(file), name: basename(file) }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const text = `${key}: ${file} cannot be read (${code ?? message}); name a file that can be`
    throw new CodedError({ code: 'FILE_UNREADABLE', path: file }, text, { cause })
  }
}
